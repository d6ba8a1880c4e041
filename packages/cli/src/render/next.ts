import type { Batch, ListedAgent } from "@aifleet/core";
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

/** What one does about an agent that has no place yet. */
export function queuedSteps(paint: Paint, branch: string): string[] {
  const name = word(branch);
  return [paint("dim", `It starts by itself. Next: fleet list · fleet wait ${name} · fleet kill ${name}`)];
}

/** `: 2 of 2 agents run; 3 before it`, nothing where there is no word on it. */
export function reasonOf({ reason }: ListedAgent): string {
  return reason === undefined || reason === "" ? "" : `: ${oneLine(reason)}`;
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
    for (const agent of agents) {
      const symbol = agent.status === "queued" ? ui.paint("dim", "…") : ui.paint("green", "✓");
      ui.line(`${symbol} ${clean(agent.branch)}  ${agent.status} (${agent.adapter})`);
    }
    for (const { branch, error } of failed) {
      ui.note(
        `${ui.paintNote("red", "✗")} ${clean(branch)}  ${oneLine(error.message)}${error.hint === null ? "" : `\n  ${oneLine(error.hint)}`}`,
      );
    }
    const [first] = agents;
    if (failed.length > 0)
      ui.note(`${count(failed.length, "agent")} of ${agents.length + failed.length} did not come up; nothing of them is left.`);
    if (first !== undefined) {
      ui.line(`batch ${ui.paint("bold", id)}: ${counts(agents)}`);
      const up = agents.find(({ status }) => status !== "queued");
      const attach = up === undefined ? "" : ` · fleet attach ${word(up.branch)}`;
      ui.line(ui.paint("dim", `Next: fleet list --batch ${id} · fleet wait --batch ${id}${attach}`));
    }
  }
  return exitOf(agents.length, failed.length);
}

/** `8 agents`, or `8 agents up, 42 queued: 8 of 8 agents run` */
function counts(agents: Batch["agents"]): string {
  const queued = agents.filter(({ status }) => status === "queued");
  const [first] = queued;
  if (first === undefined) return count(agents.length, "agent");
  const up = agents.length - queued.length;
  return `${up === 0 ? "" : `${count(up, "agent")} up, `}${queued.length} queued${reasonOf(first.info)}`;
}

/** 0: all went well, 7: some did, `allFailed`: none did. */
export function exitOf(good: number, bad: number, allFailed = 1): number {
  return bad === 0 ? 0 : good > 0 ? 7 : allFailed;
}
