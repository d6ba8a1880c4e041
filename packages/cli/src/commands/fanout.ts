import { booleanFlag, makeFlags, modeOf, optional, promptFlags, required, stringFlag, templateFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure, usage } from "../failure.js";
import { promptOf } from "../input/text.js";
import { showBatch } from "../render/next.js";
import { progress } from "../render/progress.js";

const MOST = 1000;

export class Fanout extends FleetCommand {
  static override summary = "Start several agents on the same prompt.";
  static override description =
    "Makes one batch of COUNT agents, each on its own branch: PREFIX-1, PREFIX-2, … or fanout-<batch>-1, … " +
    "Agents that do not come up are cleaned up and named; the others stay (exit code 7). Those beyond fleet.max_running are queued.";
  static override usage =
    "fanout COUNT [PREFIX] --prompt TEXT|--prompt-file FILE|- [--agent NAME[,NAME…]] [--from REF] [--template NAME] [--mode ask|edit|yolo] [--quick] [--expand]";
  static override examples = [
    'fleet fanout 3 --prompt "Refactor the auth module"',
    'fleet fanout 4 auth-refactor --agent claude,codex --prompt "Refactor the auth module"',
    'fleet fanout 3 try --expand --prompt "You are number {index}, on {branch}. Fix the flaky test"',
  ];
  static override args = {
    count: required(`How many agents, 1 to ${MOST}.`),
    prefix: optional("What the branches' names begin with. Default: fanout-<batch>."),
  };
  static override flags = {
    ...promptFlags,
    agent: stringFlag({ char: "a", description: "Adapter, or several that are dealt out in turn.", helpValue: "NAME[,NAME…]" }),
    ...makeFlags,
    ...templateFlag,
    expand: booleanFlag({ description: "Fill in {index} and {branch} in the prompt.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Fanout);
    const ui = this.ui(flags);
    const count = countOf(args.count);
    const adapter = adaptersOf(flags.agent);
    const prompt = await promptOf(flags);
    if (prompt === undefined && flags.template === undefined)
      throw usage("fanout needs a prompt.", "Give --prompt TEXT or --prompt-file FILE.");
    const { from, template, quick, expand } = flags;
    const bar = progress(ui);
    const options = { count, prefix: args.prefix, prompt, adapter, from, template, mode: modeOf(flags), quick: quick || undefined, expand };
    const batch = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.fanout(options, call), bar).finally(() => bar.stop());
    process.exitCode = showBatch(ui, batch);
  }
}

export function countOf(text: string, example = "fleet fanout 3 --prompt …"): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= MOST) return count;
  throw new Failure("INVALID_COUNT", `"${text}" is no whole number from 1 to ${MOST}.`, `For example: ${example}`, {
    count: text,
  });
}

function adaptersOf(text: string | undefined): string | string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw usage(`--agent "${text}" has an empty name in it.`);
  return names.length === 1 ? names[0] : names;
}
