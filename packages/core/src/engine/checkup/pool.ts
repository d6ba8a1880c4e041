import { toFleetError } from "../../errors/index.js";
import { discoverRepositories } from "../discover.js";
import { judgeWarm } from "../warm/judge.js";
import { readPool } from "../warm/marks.js";
import { removeWarm } from "../warm/remove.js";
import { type Check, type Finding, fixed, note, ok, problem } from "./finding.js";

/** The worktrees kept ready, of all repositories: how many, and which of them nobody can have. Only what has lost its folder is removed here. */
export const checkPool: Check = async ({ deps, fix, call }) => {
  const findings: Finding[] = [];
  let ready = 0;
  for (const commonDir of await discoverRepositories(deps, await deps.store.read())) {
    for (const found of await readPool(deps, commonDir)) {
      const { warm } = found;
      const repo = { commonDir, path: warm.repo, bare: false };
      try {
        const { state, reason } = await judgeWarm(deps, repo, found, null, call);
        if (state === "ready") ready++;
        else if (state === "making") findings.push(note("pool", `${warm.worktree} is being made.`));
        else if (state === "dirty")
          findings.push(note("pool", `${warm.worktree} is of the pool, but ${reason}.`, "Take the work out of it."));
        else if (!fix) findings.push(problem("pool", `${warm.worktree} is of the pool, but ${reason}.`, "fleet doctor --fix"));
        else {
          await removeWarm(deps, repo, found);
          findings.push(fixed("pool", `${warm.worktree} was forgotten: ${reason}.`));
        }
      } catch (error) {
        const known = toFleetError(error);
        if (known.code === "INTERRUPTED") throw known;
        findings.push(note("pool", `${warm.worktree} could not be looked at: ${known.message}`));
      }
    }
  }
  const { size } = deps.settings.config.pool;
  if (ready > 0 || size > 0)
    findings.unshift(ok("pool", `${ready} ${ready === 1 ? "worktree is" : "worktrees are"} ready for agents to come.`));
  return findings;
};
