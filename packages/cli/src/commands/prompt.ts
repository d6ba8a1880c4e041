import type { PromptResult } from "@aifleet/core";
import { booleanFlag, optional, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { readStdin, withoutLastNewline } from "../input/text.js";
import type { Color } from "../render/color.js";
import { clean } from "../render/width.js";
import { chosen } from "../target.js";

const COLORS: Readonly<Record<PromptResult["delivery"], Color>> = {
  delivered: "green",
  queued: "cyan",
  refused: "red",
  unverified: "yellow",
};

export class Prompt extends FleetCommand {
  static override summary = "Send a prompt to running agents.";
  static override description =
    "Says `delivered` only when the whole text and one submit have reached the agent program. " +
    "Nothing is typed into a shell, an ended program or an open question (exit code 4). " +
    "By what that is known is in `evidence` of --json: hook, transcript, screen or read. " +
    "With --when-idle the prompt is kept for an agent that is at work and given once it is idle, in order, also when this command has long ended; " +
    "`fleet queue` shows and drops such prompts.";
  static override usage = ["prompt BRANCH|GLOB TEXT|- [--when-idle]", "prompt --batch ID|--all TEXT|- [--when-idle]"];
  static override examples = [
    'fleet prompt fix-auth "Run the tests"',
    'fleet prompt "auth-*" "Summarise what you did"',
    'fleet prompt fix-auth "Now write the tests" --when-idle',
    "git diff main | fleet prompt reviewer -",
  ];
  static override args = { branch: optional("Branch, id or glob."), text: optional("The prompt; `-` reads it from stdin.") };
  static override flags = {
    ...targetFlags,
    "when-idle": booleanFlag({ description: "Give it when the agent is idle; say `queued` until then.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Prompt);
    const ui = this.ui(flags);
    const many = flags.batch !== undefined || flags.all;
    if (many && args.text !== undefined)
      throw usage("With --batch or --all the only argument is the text.", "Names, --batch and --all exclude each other.");
    const { target, single } = chosen(many || args.branch === undefined ? [] : [args.branch], flags);
    const text = await textOf(many ? args.branch : args.text);
    const results = await this.withFleet(flags, ui, ({ fleet, call }) =>
      fleet.prompt(target, text, { ...call, whenIdle: flags["when-idle"] }),
    );
    if (ui.json) ui.document({ results });
    else if (single && results[0] !== undefined) ui.line(told(results[0]));
    else {
      for (const { branch, delivery, reason } of results) {
        ui.line(`${ui.paint(COLORS[delivery], delivery)}  ${clean(branch)}${reason === null ? "" : `: ${clean(reason)}`}`);
      }
    }
    process.exitCode = exitOfResults(results);
  }
}

function told({ branch, delivery, reason }: PromptResult): string {
  return delivery === "queued"
    ? `queued for ${clean(branch)}${reason === null ? "" : ` (${clean(reason)})`}`
    : `${delivery} to ${clean(branch)}`;
}

/** 0: all taken, 4: all refused, 6: all unverified, 7: mixed. */
export function exitOfResults(results: readonly Pick<PromptResult, "delivery">[]): number {
  const kinds = new Set(results.map(({ delivery }) => (delivery === "queued" ? "delivered" : delivery)));
  if (kinds.size > 1) return 7;
  return kinds.has("refused") ? 4 : kinds.has("unverified") ? 6 : 0;
}

async function textOf(word: string | undefined): Promise<string> {
  if (word === undefined) throw usage("The text is missing.", 'For example: fleet prompt fix-auth "Run the tests"');
  const text = word === "-" ? withoutLastNewline(await readStdin("the prompt")) : word;
  if (text.trim() === "") throw usage("The prompt is empty.");
  return text;
}
