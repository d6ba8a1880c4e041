// The same program with an adapter in code: it decides how the program is launched and what its screen means.
//
//     node examples/custom-agent/by-adapter.mjs [REPO]
import { fileURLToPath } from "node:url";
import { Fleet } from "@aifleet/core";
import { openPlace } from "../support/place.mjs";

const SCRIPT = fileURLToPath(new URL("scribe.sh", import.meta.url));

/**
 * The last line on the screen that is not empty.
 *
 * @param {import("@aifleet/core").Evidence} evidence
 */
const lastLine = ({ screen }) => screen?.lines.findLast((line) => line.trim() !== "")?.trim() ?? "";

/** @type {import("@aifleet/core").AgentAdapter} */
const scribe = {
  name: "scribe",
  title: "Scribe",
  program: SCRIPT,
  launch({ prompt, flags }) {
    // Arguments, never a shell line: a prompt is data, whatever stands in it.
    return prompt === null ? { argv: [SCRIPT, ...flags], promptVia: "none" } : { argv: [SCRIPT, ...flags, prompt], promptVia: "argv" };
  },
  // It keeps no conversation: resuming starts it afresh.
  resume: () => null,
  // Only what is surely seen; null lets the engine judge by activity.
  read(evidence) {
    const line = lastLine(evidence);
    if (line === "scribe>") return { status: "idle", source: "screen" };
    return line.startsWith("scribe: working") ? { status: "working", source: "screen" } : null;
  },
  ready: (evidence) => lastLine(evidence) === "scribe>",
};

const { repo, home, close } = openPlace();
try {
  const fleet = await Fleet.open({ repo, home, adapters: [scribe] });
  const agent = await fleet.createAgent({ branch: "notes", prompt: "Buy string; $(touch never-run)", adapter: "scribe" });
  await agent.waitFor("idle", { timeout: 60_000 });
  console.log(`${agent.branch} is ${agent.status}, as its ${agent.info.statusSource} shows`);

  await agent.stop();
  await agent.resume();
  await agent.waitFor("idle", { timeout: 60_000 });
  await agent.prompt("Buy paper");
  await agent.waitFor("idle", { timeout: 60_000 });
  console.log(await agent.diff());
  await agent.kill();
  await fleet.close();
} finally {
  await close();
}
