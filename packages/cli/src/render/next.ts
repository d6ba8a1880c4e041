import type { Batch } from "@aifleet/core";
import { agentJson, failedJson } from "./agent.js";
import type { Paint } from "./color.js";
import type { Ui } from "./ui.js";
import { count } from "./units.js";
import { clean, oneLine } from "./width.js";

/** What one does after an agent is up. */
export function nextSteps(paint: Paint, branch: string): string[] {
  const name = word(branch);
  return [paint("dim", `Next: fleet attach ${name} · fleet logs ${name} --follow · fleet list`)];
}

/** A name as a person can type it into a shell. */
export function word(name: string): string {
  const shown = clean(name);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

/** Shows what a batch made; returns the exit code. */
export function showBatch(ui: Ui, batch: Batch): number {
  const { id, agents, failed, warnings } = batch;
  if (ui.json) ui.document({ batch: id, agents: agents.map(({ info }) => agentJson(info)), failed: failedJson(failed), warnings });
  else {
    for (const agent of agents) ui.line(`${ui.paint("green", "✓")} ${clean(agent.branch)}  ${agent.status} (${agent.adapter})`);
    for (const { branch, error } of failed) {
      ui.note(
        `${ui.paintNote("red", "✗")} ${clean(branch)}  ${oneLine(error.message)}${error.hint === null ? "" : `\n  ${oneLine(error.hint)}`}`,
      );
    }
    const [first] = agents;
    if (failed.length > 0)
      ui.note(`${count(failed.length, "agent")} of ${agents.length + failed.length} did not come up; nothing of them is left.`);
    if (first !== undefined) {
      ui.line(`batch ${ui.paint("bold", id)}: ${count(agents.length, "agent")}`);
      ui.line(ui.paint("dim", `Next: fleet list --batch ${id} · fleet wait --batch ${id} · fleet attach ${word(first.branch)}`));
    }
  }
  return exitOf(agents.length, failed.length);
}

/** 0: all went well, 7: some did, `allFailed`: none did. */
export function exitOf(good: number, bad: number, allFailed = 1): number {
  return bad === 0 ? 0 : good > 0 ? 7 : allFailed;
}
