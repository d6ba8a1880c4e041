import type { StopResult, Warning } from "@aifleet/core";
import { agentJson, failedJson } from "./agent.js";
import { exitOf } from "./next.js";
import type { Ui } from "./ui.js";
import { clean, oneLine } from "./width.js";

/** Shows what `stop` or `resume` did; returns the exit code. One agent by name that failed is the command's own error. */
export function showStopped(ui: Ui, result: StopResult, say: { single: boolean; word: string; warnings: readonly Warning[] }): number {
  const { agents, failed } = result;
  const [agent] = agents;
  if (say.single && failed[0] !== undefined) throw failed[0].error;
  if (ui.json) {
    const { warnings } = say;
    if (say.single && agent !== undefined) ui.document({ agent: agentJson(agent), warnings });
    else ui.document({ agents: agents.map(agentJson), failed: failedJson(failed), warnings });
  } else {
    for (const { branch, status } of agents)
      ui.line(
        status === "queued" ? `${ui.paint("dim", "…")} ${clean(branch)} queued` : `${ui.paint("green", "✓")} ${clean(branch)} ${say.word}`,
      );
    for (const { branch, error } of failed) ui.note(`${ui.paintNote("red", "✗")} ${clean(branch)}: ${oneLine(error.message)}`);
  }
  return exitOf(agents.length, failed.length);
}
