import type { AgentStatus, ListedAgent } from "@aifleet/core";
import { booleanFlag, stringFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { agentJson } from "../render/agent.js";
import { renderList, summary } from "../render/list.js";
import { STATUSES } from "../render/status.js";
import type { Ui } from "../render/ui.js";
import { watchList } from "../render/watch.js";

export class List extends FleetCommand {
  static override summary = "Show the agents, what they do and what they cost.";
  static override description =
    "Reconciles with what really runs first. Outside a repository it shows all of them. On a terminal the table fits its width; " +
    "piped, it is one line an agent with tabs, no header and nothing cut. --watch redraws on every change, and with --json prints one line of JSON each time.";
  static override usage = "list [--grouped] [--changes] [--watch] [--batch ID] [--status NAME] [--all-repos]";
  static override examples = [
    "fleet list",
    "fleet list --grouped --changes",
    "fleet list --watch",
    'fleet list --status waiting --json | jq -r ".agents[].branch"',
  ];
  static override flags = {
    grouped: booleanFlag({ char: "g", description: "One table for each batch.", default: false }),
    changes: booleanFlag({
      char: "c",
      description: "Also lines changed, commits ahead, and whether there is uncommitted work.",
      default: false,
    }),
    watch: booleanFlag({ char: "w", description: "Go on showing it until Ctrl+C.", default: false }),
    batch: stringFlag({ description: "Only the agents of one batch.", helpValue: "ID" }),
    status: stringFlag({ char: "s", description: "Only agents of this status, or of several with commas.", helpValue: "NAME[,NAME…]" }),
    "all-repos": booleanFlag({ description: "Agents of every repository.", default: false }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(List);
    const ui = this.ui(flags);
    const options = { batch: flags.batch, status: statusesOf(flags.status), allRepos: flags["all-repos"] || undefined };
    const filtered = flags.batch !== undefined || flags.status !== undefined;
    const show = (agents: readonly ListedAgent[], changes: boolean): string[] => {
      const repos = new Set(agents.map(({ repo }) => repo)).size > 1;
      const look = { width: ui.width, paint: ui.paint, now: Date.now(), grouped: flags.grouped, changes, verbose: ui.verbose, repos };
      return agents.length === 0 ? [] : renderList(agents, look);
    };
    await this.withFleet(flags, ui, async (work) => {
      if (flags.watch) {
        return watchList(ui, work, options, flags.changes, (agents) => {
          const lines = show(agents, flags.changes);
          return agents.length === 0 ? [emptyWord(filtered)] : [...lines, "", ui.paint("dim", `${summary(agents)}  ·  Ctrl+C ends`)];
        });
      }
      const agents = await work.fleet.list({ ...options, changes: flags.changes }, work.call);
      if (ui.json) return ui.document({ agents: agents.map(agentJson), warnings: work.warnings });
      sayEmpty(ui, agents, filtered);
      ui.lines(show(agents, flags.changes));
    });
  }
}

export function statusesOf(text: string | undefined): AgentStatus[] | undefined {
  if (text === undefined) return undefined;
  return text.split(",").map((word) => {
    const status = word.trim();
    if (!STATUSES.includes(status)) throw usage(`There is no status "${status}".`, `The statuses are ${STATUSES.join(", ")}.`, { status });
    return status as AgentStatus;
  });
}

function sayEmpty(ui: Ui, agents: readonly ListedAgent[], filtered: boolean): void {
  if (agents.length === 0) ui.note(emptyWord(filtered));
}

function emptyWord(filtered: boolean): string {
  return filtered ? "No agent matches." : 'No agents. Start one: fleet create BRANCH --prompt "…"';
}
