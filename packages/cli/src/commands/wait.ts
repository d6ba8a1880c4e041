import { booleanFlag, seconds, several, stringFlag, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { agentJson } from "../render/agent.js";
import { exitOf } from "../render/next.js";
import { STATUS_LOOKS } from "../render/status.js";
import { clean } from "../render/width.js";
import { chosen } from "../target.js";

const GOALS = ["idle", "waiting", "done", "ended"] as const;

/** An agent that came to one of these will never be what was waited for. One that is done has finished its turn for good. */
const DEAD_ENDS: ReadonlySet<string> = new Set(["failed", "stopped", "lost"]);

export class Wait extends FleetCommand {
  static override summary = "Wait until agents are idle, need an answer, or have ended.";
  static override description = "Exit code 1 if the agents failed, were stopped or lost instead, 7 if some of them; 6 when the time is up.";
  static override usage = "wait [BRANCH|GLOB…] [--batch ID] [--all] [--for idle|waiting|done|ended] [--any] [--timeout SECONDS]";
  static override examples = [
    "fleet wait fix-auth",
    "fleet wait --batch k3x9 --for done --timeout 3600",
    "fleet wait --all --for waiting --any",
  ];
  static override args = { branches: several("Branches, ids or globs.") };
  static override flags = {
    ...targetFlags,
    for: stringFlag({ description: "What to wait for; ended is done, failed, stopped or lost.", options: [...GOALS], default: "idle" }),
    any: booleanFlag({ description: "Return when the first agent is there instead of the last.", default: false }),
    timeout: stringFlag({ description: "Give up after this time (exit code 6).", helpValue: "SECONDS" }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Wait);
    const ui = this.ui(flags);
    const { target } = chosen(args.branches, flags);
    const timeout = flags.timeout === undefined ? undefined : seconds("--timeout", flags.timeout);
    const goal = GOALS.find((name) => name === flags.for);
    const { agents, warnings } = await this.withFleet(flags, ui, async ({ fleet, call, warnings }) => ({
      agents: await fleet.wait(target, { for: goal, any: flags.any, timeout }, call),
      warnings,
    }));
    const ended = agents.filter(({ status }) => goal !== "ended" && status !== goal && DEAD_ENDS.has(status));
    process.exitCode = exitOf(agents.length - ended.length, ended.length, 1);
    if (ui.json) return ui.document({ agents: agents.map(agentJson), warnings });
    for (const { branch, status } of agents) ui.line(`${ui.paint(STATUS_LOOKS[status].color ?? "bold", status)}  ${clean(branch)}`);
  }
}
