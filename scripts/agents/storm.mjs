// Prompts of random content and length through `fleet prompt`: each must reach the model server byte for byte and once,
// and none may be called delivered that did not.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { HOME } from "./namespace.mjs";
import { startStage, unwrapped } from "./scenarios.mjs";
import { prompts } from "./texts.mjs";

/** So many bytes are a conversation of their own, so that each request stays small and no context is full. */
const SHORT = 8000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Texts as a program keeps them by itself: what it would change is not sent. */
const KEPT_BY = {
  claude: (text) =>
    text
      .replaceAll("\t", "    ")
      .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
      .normalize("NFC"),
};

/** What a program makes of a text by itself; null where it is no prompt to it. */
const MADE_OF = {
  claude: (text) => (text.startsWith("/") ? null : text),
  codex: (text) => text,
  opencode: (text) => (/^(exit|quit|:q)$/.test(text) ? null : text),
  // A file that is named is looked up, and read.
  gemini: (text) => (text.startsWith("/") || /(^|\s)@\S/.test(text) ? null : text),
};

export async function storm(agent, model, fleetBin, { count, most, seed }) {
  const stage = await startStage(agent, model, fleetBin);
  const long = Math.max(1, Math.round(count * 0.12));
  const texts = [...prompts(seed, count - long, 1, SHORT), ...prompts(seed + 1, long, SHORT, most)];
  const told = { sent: 0, equal: 0, delivered: 0, falsely: [], twice: [], refused: [], unverified: [], evidence: {}, bytes: 0, ms: [] };
  let branch = null;
  let number = 0;
  const begin = async () => {
    if (branch !== null) await stage.fleet("kill", branch, "--force", "--yes");
    branch = `s${++number}`;
    const mode = agent === "claude" ? ["--mode", "ask"] : [];
    const made = await stage.fleet("create", branch, "--agent", agent, ...mode);
    if (made.code !== 0) throw new Error(`create: exit ${made.code}: ${made.text.slice(0, 300)}`);
    await stage.fleet("wait", branch, "--for", "idle", "--timeout", "60");
  };
  try {
    for (const [at, whole] of texts.entries()) {
      const given = MADE_OF[agent](whole) === null ? `Say ${whole.replaceAll("@", "at ")}` : whole;
      const text = (KEPT_BY[agent]?.(given) ?? given).trim();
      const expected = MADE_OF[agent](text);
      if (branch === null || Buffer.byteLength(text) > SHORT || at === count - long) await begin();
      rmSync(join(HOME, "canary"), { force: true });
      const before = model.requests.length;
      const began = Date.now();
      const sent = await stage.fleetWith(text, "prompt", branch, "-");
      told.ms.push(Date.now() - began);
      const result = sent.said?.results?.[0] ??
        sent.said?.error?.data?.results?.[0] ?? { delivery: `exit ${sent.code}`, reason: sent.text.slice(0, 200) };
      const taken = () =>
        model.requests.slice(before).filter((request) => request.main && request.results === 0 && unwrapped(request.prompt) === expected)
          .length;
      const has = () => {
        const got = model.requests.slice(before).findLast((request) => request.main)?.prompt ?? null;
        return got === null ? "nothing" : difference(unwrapped(got), expected);
      };
      // gemini takes its time over a long one.
      const waits = result.delivery === "delivered" ? 30 + Buffer.byteLength(text) / 6000 : 6;
      await stage.until(taken, (times) => times > 0, waits);
      const idle = await stage.fleet("wait", branch, "--for", "idle", "--timeout", "60");
      await pause(200);
      const times = taken();
      const what = `#${at + 1} (${Buffer.byteLength(text)} bytes, ${JSON.stringify(text.slice(0, 40))}…${JSON.stringify(text.slice(-20))})`;
      told.sent += 1;
      told.bytes += Buffer.byteLength(text);
      if (times === 1) told.equal += 1;
      if (times > 1) told.twice.push(what);
      if (result.delivery === "delivered") {
        told.delivered += 1;
        told.evidence[result.evidence] = (told.evidence[result.evidence] ?? 0) + 1;
        if (times === 0) told.falsely.push(`${what}: the server has ${has()}`);
      } else (told[result.delivery] ?? told.refused).push(`${what}: ${result.reason}${times > 0 ? " (but it was taken)" : ""}`);
      if (stage.canary()) throw new Error(`${what}: THE PROMPT WAS EXECUTED`);
      const bad = times !== 1 || result.delivery !== "delivered";
      if (bad)
        console.log(`    ${what}: ${result.delivery} (${result.reason ?? result.evidence}), taken ${times} times; the server has ${has()}`);
      if (bad) console.log(stage.screen().split("\n").slice(-16).join("\n"));
      // What is left of a prompt that did not arrive must not spoil the next.
      if (bad || idle.code !== 0) await begin();
    }
  } finally {
    await stage.end();
  }
  return told;
}

function difference(got, wanted) {
  let at = 0;
  while (at < got.length && got[at] === wanted[at]) at += 1;
  return `another text: of ${got.length} characters, not ${wanted.length}; from ${at}: ${JSON.stringify(got.slice(at, at + 30))} not ${JSON.stringify(wanted.slice(at, at + 30))}`;
}
