import type { CallOptions, DropResult, Fleet, SavedEntry, TrashOptions } from "@aifleet/core";
import { booleanFlag, several, stringFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure, usage } from "../failure.js";
import { canAsk, confirm } from "../input/ask.js";
import { failedJson } from "../render/agent.js";
import { exitOf } from "../render/next.js";
import { savedJson, savedTable } from "../render/saved.js";
import type { Ui } from "../render/ui.js";
import { count, since } from "../render/units.js";
import { clean, oneLine } from "../render/width.js";

const ACTIONS = ["list", "drop"] as const;

export class Trash extends FleetCommand {
  static override summary = "Show what kills have saved, or let go of it for good.";
  static override description =
    "`fleet kill --force` saves a worktree before it removes it, and `--delete-branch` the commits that only the branch held; `fleet restore` brings them back. " +
    "What was saved more than trash.keep_days ago goes by itself. `drop` cannot be undone: it asks, or takes --yes.";
  static override usage = [
    "trash [list] [--all-repos] [--older-than DAYS]",
    "trash drop [BRANCH|ID|GLOB…] [--all] [--older-than DAYS] [--all-repos] [--yes]",
  ];
  static override examples = [
    "fleet trash",
    "fleet trash drop fix-auth",
    'fleet trash drop "try-*" --yes',
    "fleet trash drop --older-than 7",
    "fleet trash drop --all --yes",
  ];
  // An optional action before several names is more than the parser of arguments takes.
  static override args = { words: several(`What to do (${ACTIONS.join(" or ")}; default: list), then branches, ids or globs.`) };
  static override flags = {
    all: booleanFlag({ description: "`drop`: everything that is saved of the repository.", default: false }),
    "older-than": stringFlag({ description: "Only what was saved more than so many days ago.", helpValue: "DAYS" }),
    "all-repos": booleanFlag({ description: "Of every repository.", default: false }),
    yes: booleanFlag({ char: "y", description: "`drop`: do not ask.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Trash);
    const ui = this.ui(flags);
    const [action = "list", ...rest] = args.words ?? [];
    if (!ACTIONS.some((known) => known === action))
      throw usage(`There is no \`fleet trash ${clean(action)}\`.`, `Say ${ACTIONS.join(" or ")} first.`);
    const names = [...new Set(rest)];
    if (names.some((name) => name.trim() === ""))
      throw usage("An empty name stands for nothing that is saved.", "`fleet trash list` shows it.");
    const olderThan = flags["older-than"] === undefined ? undefined : days(flags["older-than"]);
    const options: TrashOptions = { ...(names.length > 0 ? { which: names } : {}), olderThan, allRepos: flags["all-repos"] };
    if (action === "drop") {
      const ways = [names.length > 0, flags.all].filter(Boolean).length;
      if (ways > 1) throw usage("Names and --all exclude each other.", "Give one of them.");
      if (ways === 0 && olderThan === undefined)
        throw usage("Say what to drop: BRANCH, ID, a glob, --older-than DAYS or --all.", "`fleet trash list` shows what is saved.");
      const single = names.length === 1 ? { ...options, which: names[0] as string } : options;
      return this.withFleet(flags, ui, ({ fleet, call }) => drop(fleet, single, flags.yes, ui, call), { ignoreProjectConfig: true });
    }
    if (flags.all) throw usage("--all is for `fleet trash drop`; the list shows everything.");
    const entries = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.trash({ ...options, sizes: true }, call), {
      ignoreProjectConfig: true,
    });
    if (ui.json) return ui.document({ saved: entries.map(savedJson) });
    if (entries.length === 0) return ui.note("Nothing is saved.");
    ui.lines(savedTable(entries, ui));
  }
}

async function drop(fleet: Fleet, options: TrashOptions, yes: boolean, ui: Ui, call: CallOptions): Promise<void> {
  const entries = await fleet.trash(options, call);
  if (entries.length === 0) return show({ dropped: [], refused: [] }, ui);
  if (!yes) {
    if (ui.json || !canAsk()) {
      const branches = entries.map(({ record }) => record.branch);
      throw new Failure(
        "CONFIRMATION_NEEDED",
        `This would drop ${what(entries)} for good: ${branches.slice(0, 5).join(", ")}${branches.length > 5 ? ", …" : ""}.`,
        "Add --yes to do it without being asked.",
        { branches, flag: "--yes" },
      );
    }
    for (const { record, savedAt } of entries) ui.note(`  ${clean(record.branch)} (${record.id}), saved ${since(savedAt, Date.now())} ago`);
    if (!(await confirm(`Drop ${what(entries)} for good?`))) return ui.note("Nothing was dropped.");
  }
  // Exactly what was shown.
  const only = entries.length === 1 ? entries[0]?.record.id : undefined;
  show(await fleet.dropTrash({ which: only ?? entries.map(({ record }) => record.id), allRepos: true }, call), ui);
}

function what(entries: readonly SavedEntry[]): string {
  return count(entries.length, "saved agent");
}

function show({ dropped, refused }: DropResult, ui: Ui): void {
  if (ui.json) ui.document({ dropped: dropped.map(savedJson), refused: failedJson(refused) });
  else {
    for (const { record } of dropped) ui.line(`${ui.paint("green", "✓")} ${clean(record.branch)} dropped (${record.id})`);
    for (const { branch, error } of refused) ui.note(`${ui.paintNote("red", "✗")} ${clean(branch)}: ${oneLine(error.message)}`);
    if (dropped.length + refused.length === 0) ui.note("There was nothing to drop.");
  }
  process.exitCode = exitOf(dropped.length, refused.length);
}

/** `7` or `7d`. */
function days(text: string): number {
  const value = /^(\d+(?:\.\d+)?)d?$/.exec(text)?.[1];
  if (value === undefined) throw usage(`--older-than takes a number of days, not "${text}".`);
  return Number(value);
}
