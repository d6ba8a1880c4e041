import type { AnswerResult, ListedAgent } from "@aifleet/core";
import { booleanFlag, optional, stringFlag, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure, usage } from "../failure.js";
import { canAsk, confirm } from "../input/ask.js";
import type { Color } from "../render/color.js";
import type { Ui } from "../render/ui.js";
import { count } from "../render/units.js";
import { clean } from "../render/width.js";
import { chosen } from "../target.js";

const COLORS: Readonly<Record<AnswerResult["outcome"], Color>> = { answered: "green", refused: "red", unverified: "yellow" };

export class Answer extends FleetCommand {
  static override summary = "Answer the open question of agents that wait.";
  static override description =
    "CHOICE is a number, yes, no, or how a choice begins. Only the question that was just shown is answered: an agent that asks " +
    "something else by then is refused (exit code 4). Of several agents those that wait are answered. `fleet list --status waiting` is the inbox.";
  static override usage = [
    "answer BRANCH|GLOB CHOICE [--matching REGEX] [--yes]",
    "answer --batch ID|--all CHOICE [--matching REGEX] [--yes]",
  ];
  static override examples = ["fleet answer fix-auth yes", "fleet answer fix-auth 2", 'fleet answer --all yes --matching "npm (test|ci)"'];
  static override args = { branch: optional("Branch, id or glob."), choice: optional("A number, yes, no, or how the choice begins.") };
  static override flags = {
    ...targetFlags,
    matching: stringFlag({ description: "Only questions that match the regular expression.", helpValue: "REGEX" }),
    yes: booleanFlag({ char: "y", description: "Do not ask before several are answered.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Answer);
    const ui = this.ui(flags);
    const many = flags.batch !== undefined || flags.all;
    if (many && args.choice !== undefined) throw usage("With --batch or --all the only argument is the choice.");
    const choice = many ? args.branch : args.choice;
    if (choice === undefined) throw usage("The choice is missing.", "For example: fleet answer fix-auth yes");
    const target = chosen(many || args.branch === undefined ? [] : [args.branch], flags);
    const matching = regexOf(flags.matching);
    const results = await this.withFleet(flags, ui, async ({ fleet, call }) => {
      // What is shown here is what is answered.
      const asking = await fleet.questions(target.target, { matching }, call);
      if (!target.single && asking.length === 0) return [];
      if (!ui.json) for (const agent of asking) ui.lines(questionText(agent, ui));
      if (!flags.yes && !target.single && !(await agreed(asking, choice, ui))) return null;
      const questions = new Map(asking.flatMap(({ id, question }) => (question === undefined ? [] : [[id, question]])));
      return fleet.answer(target.single ? target.target : asking.map(({ id }) => id), choice, { matching, questions }, call);
    });
    if (results === null) return ui.note("Nothing was answered.");
    process.exitCode = show(ui, results);
  }
}

async function agreed(asking: readonly ListedAgent[], choice: string, ui: Ui): Promise<boolean> {
  if (asking.length < 2) return true;
  if (ui.json || !canAsk()) {
    throw new Failure(
      "CONFIRMATION_NEEDED",
      `This would answer ${count(asking.length, "question")} with "${choice}".`,
      "Add --yes to do it without being asked.",
      { branches: asking.map(({ branch }) => branch), flag: "--yes" },
    );
  }
  return confirm(`Answer ${count(asking.length, "question")} with "${choice}"?`);
}

function questionText({ branch, question, choices }: ListedAgent, ui: Ui): string[] {
  const asked = `${ui.paint("bold", clean(branch))}: ${clean(question ?? "a question that could not be read")}`;
  return [asked, ...(choices ?? []).map((label, at) => `  ${at + 1} ${clean(label)}`)];
}

function show(ui: Ui, results: readonly AnswerResult[]): number {
  if (ui.json) ui.document({ results });
  else if (results.length === 0) ui.note("No agent waits for an answer.");
  else {
    for (const { branch, choice, outcome, reason } of results) {
      ui.line(`${ui.paint(COLORS[outcome], outcome)}  ${clean(branch)}: ${clean(reason ?? choice ?? "")}`);
    }
  }
  const kinds = new Set(results.map(({ outcome }) => outcome));
  if (kinds.size > 1) return 7;
  return kinds.has("refused") ? 4 : kinds.has("unverified") ? 6 : 0;
}

function regexOf(source: string | undefined): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(source);
  } catch (error) {
    throw usage(`--matching is no regular expression: ${(error as Error).message}`);
  }
}
