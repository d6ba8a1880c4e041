import type { QueuedPrompt } from "@aifleet/core";
import { several, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { table } from "../render/table.js";
import type { Ui } from "../render/ui.js";
import { count, since } from "../render/units.js";
import { clean, oneLine } from "../render/width.js";
import { chosen } from "../target.js";

const ACTIONS = ["list", "drop"] as const;

export class Queue extends FleetCommand {
  static override summary = "Show the prompts that wait for an agent to be idle, or drop them.";
  static override description =
    "`fleet prompt --when-idle` queues them. Each agent is given its own in the order shown. `drop` takes branches, globs and ids of " +
    "single prompts; what is dropped stays readable in logs/<agent id>.queue.jsonl. A prompt that is being typed is not dropped.";
  static override usage = ["queue [list] [BRANCH|GLOB…] [--batch ID]", "queue drop BRANCH|GLOB|ID… | --batch ID | --all"];
  static override examples = [
    "fleet queue",
    "fleet queue list fix-auth --json",
    "fleet queue drop fix-auth",
    "fleet queue drop q3f9a1c2",
    "fleet queue drop --all",
  ];
  // An optional action before several names is more than the parser of arguments takes.
  static override args = { words: several(`What to do (${ACTIONS.join(" or ")}; default: list), then branches, globs or ids.`) };
  static override flags = targetFlags;

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Queue);
    const ui = this.ui(flags);
    const [action = "list", ...names] = args.words ?? [];
    if (!ACTIONS.some((known) => known === action))
      throw usage(`There is no \`fleet queue ${clean(action)}\`.`, `Say ${ACTIONS.join(" or ")} first.`);
    const all = action === "list" && names.length === 0 && flags.batch === undefined ? true : flags.all;
    if (action === "drop" && names.length === 0 && flags.batch === undefined && !flags.all)
      throw usage("Say what to drop: BRANCH, a glob, the ID of a prompt, --batch ID or --all.", "`fleet queue` shows what waits.");
    const { target } = chosen(names, { batch: flags.batch, all });
    if (action === "list") {
      const queued = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.queued(target, call));
      if (ui.json) return ui.document({ queued });
      if (queued.length === 0) return ui.note("No prompt waits.");
      return ui.lines(queueTable(queued, ui));
    }
    const dropped = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.dropQueued(target, call));
    if (ui.json) return ui.document({ dropped });
    for (const { branch, text } of dropped) ui.line(`${ui.paint("green", "✓")} ${clean(branch)}: dropped ${oneLine(text)}`);
    ui.note(dropped.length === 0 ? "No prompt waited." : `${count(dropped.length, "prompt")} dropped.`);
  }
}

function queueTable(queued: readonly QueuedPrompt[], ui: Ui): string[] {
  const columns = [{ title: "BRANCH", shrinksTo: 12 }, { title: "ID" }, { title: "AGE" }, { title: "PROMPT", shrinksTo: 16 }];
  const rows = queued.map(({ branch, id, queuedAt, text }) =>
    [branch, id, since(queuedAt, Date.now()), oneLine(text)].map((cell) => ({ text: cell })),
  );
  return table(columns, rows, { width: ui.width, paint: ui.paint });
}
