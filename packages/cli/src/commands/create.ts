import { booleanFlag, makeFlags, modeOf, promptFlags, required, stringFlag, templateFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { promptOf } from "../input/text.js";
import { agentJson } from "../render/agent.js";
import { nextSteps, queuedSteps, reasonOf } from "../render/next.js";
import { progress } from "../render/progress.js";
import { clean } from "../render/width.js";

export class Create extends FleetCommand {
  static override summary = "Start an agent on a branch of its own.";
  static override description =
    "Makes a branch, a worktree and a tmux session, starts the agent program in it and returns when the program is up. " +
    "A branch that exists is used as it is; one that exists only on a remote is checked out tracking it. " +
    "Where as many agents run as fleet.max_running allows, it is queued and starts by itself when one of them ends.";
  static override usage =
    "create BRANCH [--prompt TEXT | --prompt-file FILE|-] [--agent NAME] [--from REF] [--template NAME] [--mode ask|edit|yolo] [--quick] [--replace]";
  static override examples = [
    'fleet create fix-auth --prompt "Fix the login bug"',
    "fleet create docs --agent codex --from origin/main --prompt-file task.md",
    "gh issue view 42 | fleet create issue-42 --prompt-file -",
  ];
  static override args = { branch: required("Branch the agent works on.") };
  static override flags = {
    ...promptFlags,
    agent: stringFlag({ char: "a", description: "Agent program: an adapter's name. Default: agent.default.", helpValue: "NAME" }),
    ...makeFlags,
    ...templateFlag,
    replace: booleanFlag({ description: "End an agent of that name first, if nothing of its work would be lost.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Create);
    const ui = this.ui(flags);
    const prompt = await promptOf(flags);
    const { from, template, quick, replace } = flags;
    const bar = progress(ui);
    const options = {
      branch: args.branch,
      prompt,
      adapter: flags.agent,
      from,
      template,
      mode: modeOf(flags),
      quick: quick || undefined,
      replace,
    };
    const work = this.withFleet(
      flags,
      ui,
      async ({ fleet, call, warnings }) => ({ agent: await fleet.createAgent(options, call), warnings }),
      bar,
    );
    const { agent, warnings } = await work.finally(() => bar.stop());
    if (ui.json) return ui.document({ agent: agentJson(agent.info), warnings });
    if (agent.status === "queued") {
      ui.line(`${ui.paint("bold", clean(agent.branch))} is queued (${agent.adapter})${reasonOf(agent.info)}`);
      return ui.lines(queuedSteps(ui.paint, agent.branch));
    }
    ui.line(`${ui.paint("bold", clean(agent.branch))} is ${agent.status} (${agent.adapter}) in ${clean(agent.worktree)}`);
    ui.lines(nextSteps(ui.paint, agent.branch));
  }
}
