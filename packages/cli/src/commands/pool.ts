import type { PoolDrainResult, PoolFillResult, PoolStatus } from "@aifleet/core";
import { optional } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { exitOf } from "../render/next.js";
import { poolTable } from "../render/pool.js";
import { progress } from "../render/progress.js";
import type { Ui } from "../render/ui.js";
import { count } from "../render/units.js";
import { clean, oneLine } from "../render/width.js";
import { countOf } from "./fanout.js";

const ACTIONS = ["status", "fill", "drain"] as const;

export class Pool extends FleetCommand {
  static override summary = "Keep worktrees ready, so that agents start at once however slow the project's setup is.";
  static override description =
    "A worktree of the pool is checked out, has its credential files and its setup done, and stands on no branch. `fleet create`, `fanout` and " +
    "`multi` take from it what fits and set up the rest as ever. With pool.size set the pool is filled again in the background whenever agents " +
    "were made; `fill` fills it now. `drain` removes what nobody has worked in.";
  static override usage = ["pool [status]", "pool fill [COUNT]", "pool drain"];
  static override examples = ["fleet config set pool.size 3 && fleet pool fill", "fleet pool fill 10", "fleet pool", "fleet pool drain"];
  static override args = {
    action: optional("What to do; default: status.", ACTIONS),
    count: optional("`fill`: how many are to be ready. Default: pool.size."),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Pool);
    const ui = this.ui(flags);
    const { action = "status" } = args;
    if (args.count !== undefined && action !== "fill")
      throw usage(`\`fleet pool ${action}\` takes no count.`, "`fleet pool fill COUNT` does.");
    const size = args.count === undefined ? undefined : countOf(args.count, "fleet pool fill 3");
    if (action === "fill") {
      const bar = progress(ui, "ready");
      const work = this.withFleet(
        flags,
        ui,
        async ({ fleet, call, warnings }) => showFilled(ui, await fleet.pool.fill({ size }, call), warnings),
        bar,
      );
      return work.finally(() => bar.stop());
    }
    if (action === "drain")
      return this.withFleet(flags, ui, async ({ fleet, call, warnings }) => showDrained(ui, await fleet.pool.drain(call), warnings));
    return this.withFleet(flags, ui, async ({ fleet, call, warnings }) => showPool(ui, await fleet.pool.status(call), warnings));
  }
}

function showPool(ui: Ui, pool: PoolStatus, warnings: readonly unknown[]): void {
  if (ui.json) ui.document({ ...pool, warnings });
  else if (pool.worktrees.length > 0) ui.lines(poolTable(pool.worktrees, ui));
  else if (pool.size === 0) ui.note("The pool is off and empty. `fleet pool fill COUNT` fills it; pool.size keeps it filled.");
  else ui.note("The pool is empty. `fleet pool fill` fills it, and so does the next agent that is made.");
}

function showFilled(ui: Ui, { pool, made, failed }: PoolFillResult, warnings: readonly unknown[]): void {
  if (ui.json) {
    const errors = failed.map(({ code, message, hint, data }) => ({ error: { code, message, hint, data } }));
    ui.document({ ...pool, made, failed: errors, warnings });
  } else {
    // Each for the same reason, as a rule: said once.
    for (const { message, hint } of new Map(failed.map((error) => [error.message, error])).values())
      ui.note(`${ui.paintNote("red", "✗")} ${oneLine(message)}${hint === null ? "" : `\n  ${oneLine(hint)}`}`);
    ui.line(`${pool.ready} ready, ${made} of them new${failed.length > 0 ? `; ${failed.length} could not be made` : ""}`);
    for (const { worktree, state, reason } of pool.worktrees)
      if (reason !== null) ui.note(`  ${clean(worktree)} is ${state}: ${oneLine(reason)}`);
  }
  process.exitCode = exitOf(made, failed.length);
}

function showDrained(ui: Ui, { removed, kept }: PoolDrainResult, warnings: readonly unknown[]): void {
  if (ui.json) ui.document({ removed, kept, warnings });
  else {
    for (const { worktree, reason } of kept)
      ui.note(
        `${ui.paintNote("yellow", "!")} ${clean(worktree)} is left alone: ${oneLine(reason ?? "")}. \`git worktree remove\` removes it.`,
      );
    ui.line(`${count(removed.length, "worktree")} removed`);
  }
  process.exitCode = exitOf(removed.length, kept.length, 4);
}
