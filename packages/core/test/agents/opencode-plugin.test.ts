import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { opencode } from "../../src/agents/opencode.js";
import { PLUGIN } from "../../src/agents/opencode-plugin.js";
import type { Report } from "../../src/ports/index.js";

const RECORDED = fileURLToPath(new URL("reports/opencode/hooks.jsonl", import.meta.url));

interface Hooks {
  readonly event?: (input: { event: object }) => Promise<void>;
  readonly "chat.message"?: (input: object, output: object) => Promise<void>;
}

let root: string;
let folder: string;

async function load(): Promise<Hooks> {
  const path = join(root, `reporter-${Math.random()}.mjs`);
  writeFileSync(path, PLUGIN);
  const { FleetReporter } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { FleetReporter: () => Promise<Hooks> };
  return FleetReporter();
}

/** What the plugin has written, as the fleet hears it. */
function reports(): Report[] {
  return readdirSync(folder).map((kind) => ({ kind, at: 0, body: JSON.parse(readFileSync(join(folder, kind), "utf8")) }));
}

const status = () => opencode.reports?.said(reports()) ?? null;
const say = (hooks: Hooks, type: string, properties: object) => hooks.event?.({ event: { type, properties } });
const prompt = (hooks: Hooks, sessionID: string, text: string) =>
  hooks["chat.message"]?.(
    { sessionID },
    {
      parts: [
        { type: "text", text },
        { type: "text", text: "context", synthetic: true },
      ],
    },
  );

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fleet-plugin-"));
  folder = join(root, "fleet-reports");
  mkdirSync(folder);
  vi.stubEnv("AIFLEET_REPORTS", folder);
  vi.stubEnv("AIFLEET_REPORTING", "");
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

describe("the plugin for opencode", () => {
  it("tells a recorded run of the program: each prompt, work, question, answer and end", async () => {
    const hooks = await load();
    const told: string[] = [];
    for (const row of readFileSync(RECORDED, "utf8").trimEnd().split("\n").slice(1)) {
      const { type, properties } = JSON.parse(row);
      if (type === "chat.message") await prompt(hooks, properties.sessionID, properties.text.join(""));
      else await say(hooks, type, properties);
      const said = status();
      const now = `${said?.status}${said?.question === undefined ? "" : ` ${said.question}`}`;
      if (said !== null && told.at(-1) !== now) told.push(now);
      if (type === "chat.message") expect(opencode.reports?.taken(reports())?.text).toBe(properties.text.join("").trim());
    }
    expect(told.filter((now) => now !== "idle")).toEqual([
      "working",
      "working",
      "waiting bash: npm test",
      "working",
      "working",
      "waiting bash: sleep 20",
      "working",
      "working",
      "waiting edit: /home/dev/worktrees/shop/fix-auth/a.ts",
      "working",
      "working",
      "waiting Which method shall I use?",
      "working",
      "working",
      "working",
      "working",
      "working",
    ]);
    expect(opencode.reports?.conversation(reports())).toMatch(/^ses_/);
  });

  it("keeps asking until the last of several questions is answered", async () => {
    const hooks = await load();
    await prompt(hooks, "s", "Go on");
    await say(hooks, "session.status", { sessionID: "s", status: { type: "busy" } });
    for (const id of ["p1", "p2"]) {
      await say(hooks, "permission.asked", {
        id,
        sessionID: "s",
        permission: "bash",
        patterns: [id],
        metadata: { command: `run ${id}\nmore` },
      });
    }
    expect(status()).toMatchObject({ status: "waiting", question: "bash: run p1" });
    await say(hooks, "permission.replied", { sessionID: "s", requestID: "p1", reply: "once" });
    expect(status()).toMatchObject({ status: "waiting", question: "bash: run p2" });
    await say(hooks, "session.status", { sessionID: "s", status: { type: "busy" } });
    expect(status()).toMatchObject({ status: "waiting" });
    await say(hooks, "permission.replied", { sessionID: "s", requestID: "p2", reply: "once" });
    expect(status()).toMatchObject({ status: "working" });
    await say(hooks, "session.idle", { sessionID: "s" });
    expect(status()).toMatchObject({ status: "idle" });
  });

  it("takes neither a subagent's prompt for the user's nor its end for the end of the turn", async () => {
    const hooks = await load();
    await say(hooks, "session.created", { sessionID: "s", info: { id: "s" } });
    expect(status()).toBeNull();
    await prompt(hooks, "s", "Go on");
    await say(hooks, "session.status", { sessionID: "s", status: { type: "busy" } });
    await say(hooks, "session.created", { sessionID: "c", info: { id: "c", parentID: "s" } });
    await prompt(hooks, "c", "You are a reviewer");
    await say(hooks, "session.status", { sessionID: "c", status: { type: "busy" } });
    await say(hooks, "session.status", { sessionID: "c", status: { type: "idle" } });
    expect(status()).toMatchObject({ status: "working" });
    expect(opencode.reports?.taken(reports())?.text).toBe("Go on");
    expect(opencode.reports?.conversation(reports())).toBe("s");
  });

  it("rests again where no turn follows a message, and works on where one does", async () => {
    vi.useFakeTimers();
    const hooks = await load();
    await prompt(hooks, "s", "A note");
    expect(status()).toMatchObject({ status: "working" });
    vi.advanceTimersByTime(21_000);
    expect(status()).toMatchObject({ status: "idle" });
    await prompt(hooks, "s", "A prompt");
    await say(hooks, "session.status", { sessionID: "s", status: { type: "retry", attempt: 1 } });
    vi.advanceTimersByTime(60_000);
    expect(status()).toMatchObject({ status: "working" });
  });

  it("is silent in a program that the agent started, and content without its folder", async () => {
    await load();
    expect(readdirSync(folder)).toEqual(["SessionStart"]);
    vi.stubEnv("AIFLEET_REPORTING", `${folder}:1`);
    expect(await load()).toEqual({});
    vi.stubEnv("AIFLEET_REPORTING", "/another/agent:1");
    const hooks = await load();
    rmSync(folder, { recursive: true });
    await prompt(hooks, "s", "Go on");
    await say(hooks, "session.status", {});
    await say(hooks, "permission.asked", { id: "x" });
    await hooks.event?.({ event: { type: "of another form" } });
    expect(readdirSync(root).filter((name) => !name.startsWith("reporter-"))).toEqual([]);
    vi.stubEnv("AIFLEET_REPORTS", "");
    expect(await load()).toEqual({});
  });

  it("writes for its user alone", async () => {
    await prompt(await load(), "s", "Go on");
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });
});
