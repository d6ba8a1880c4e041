import type { Task } from "@aifleet/core";
import { makeFlags, modeOf, several, stringFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { refuseDuplicates, taskOfArgument, tasksOfText } from "../input/tasks.js";
import { readText } from "../input/text.js";
import { showBatch } from "../render/next.js";
import { progress } from "../render/progress.js";

export class Multi extends FleetCommand {
  static override summary = "Start several agents, each on a prompt of its own.";
  static override description =
    "Each argument is split at its first colon. A task file holds [[task]] tables in TOML or a JSON array, " +
    "with the keys branch, prompt, agent, from and template. A mistake in any task is found before anything is made.";
  static override usage =
    "multi BRANCH:PROMPT… | --file tasks.toml|tasks.json|- [--agent NAME] [--from REF] [--mode ask|edit|yolo] [--quick]";
  static override examples = [
    'fleet multi fix-auth:"Fix login" add-tests:"Add test coverage"',
    "fleet multi --file tasks.toml --agent codex",
    "./triage.sh | fleet multi --file -",
  ];
  static override args = { tasks: several("Tasks as BRANCH:PROMPT.") };
  static override flags = {
    file: stringFlag({ char: "f", description: "Read the tasks from a file, TOML or JSON; `-` is stdin.", helpValue: "FILE" }),
    agent: stringFlag({ char: "a", description: "Adapter of tasks that name none.", helpValue: "NAME" }),
    ...makeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Multi);
    const ui = this.ui(flags);
    const tasks = await tasksOf(args.tasks ?? [], flags.file);
    const bar = progress(ui);
    const { agent: adapter, from, quick } = flags;
    const batch = await this.withFleet(
      flags,
      ui,
      ({ fleet, call }) => fleet.multi(tasks, { adapter, from, mode: modeOf(flags), quick: quick || undefined }, call),
      bar,
    ).finally(() => bar.stop());
    process.exitCode = showBatch(ui, batch);
  }
}

async function tasksOf(words: readonly string[], file: string | undefined): Promise<Task[]> {
  if (words.length > 0 && file !== undefined) throw usage("Give tasks as arguments or with --file, not both.");
  const tasks =
    file === undefined
      ? words.map((word) => taskOfArgument(word))
      : await tasksOfText(await readText(file, "the tasks"), file === "-" ? "stdin" : file);
  if (tasks.length === 0)
    throw usage(
      file === undefined ? "Name a task, or a file of tasks." : `${file === "-" ? "stdin" : file} holds no task.`,
      'For example: fleet multi fix-auth:"Fix login"',
    );
  refuseDuplicates(tasks);
  return tasks;
}
