import { join } from "node:path";
import { FleetError } from "../../errors/index.js";
import type { WarmWorktree, WorktreeFacts } from "../../model/index.js";
import { writeBaseline } from "../baseline.js";
import { placeCredentials } from "../credentials.js";
import type { BringUpCall, Crew } from "../crew.js";
import type { Deps } from "../deps.js";
import { agentEnvironment } from "../environment.js";
import { projectName } from "../names.js";
import { warmText } from "../record.js";
import { runSetup } from "../setup.js";
import { isToBeNoted, placeShared } from "../share.js";
import { transact } from "../transact.js";
import type { Wanted } from "./judge.js";
import { poolCommands } from "./print.js";

/** How long what setup left running may take to end, milliseconds. */
const GRACE_MS = 3000;

/** Makes one worktree for the pool, a transaction of its own: checkout, credentials, what is shared, setup. One that fails leaves nothing. */
export function makeWarm(deps: Deps, crew: Crew, wanted: Wanted, call: BringUpCall): Promise<WarmWorktree> {
  const { repo } = crew;
  const { config } = deps.settings;
  const { home } = deps.paths;
  const id = deps.ids.next();
  const name = `pool-${id}`;
  const path = join(config.worktree.root, projectName(repo), name);
  const step = (now: "worktree" | "setup", detail?: string) =>
    call.progress({ type: "step", branch: name, step: now, ...(detail === undefined ? {} : { detail }) });
  return transact(deps, async (undo) => {
    step("worktree");
    const places = { repo: repo.path, commonDir: repo.commonDir };
    const seed = { id, ...places, ...wanted, credentials: [], createdAt: new Date(deps.clock.now()).toISOString(), ready: false };
    const marked = (warm: Omit<WarmWorktree, "ready">, ready: boolean) => warmText(home, { ...warm, ready });
    const worktree = await undo.did({ kind: "worktree", ...places, path, agent: id, branch: null, madeBranchAt: null }, () =>
      crew.addWorktree({
        key: id,
        path,
        branch: "",
        mode: "detach",
        base: wanted.base,
        mark: (made) => marked({ ...seed, worktree: made.path, adminDir: made.adminDir }, false),
      }),
    );
    const { adminDir } = worktree;
    const credentials = await placeCredentials(deps, repo, worktree, call, null);
    const warm: WarmWorktree = { ...seed, worktree: worktree.path, adminDir, credentials, ready: true };
    const commands = poolCommands(deps);
    const onCommand = (command: string) => step("setup", command);
    const shared = await crew.setupGate(() => placeShared(deps, repo, worktree, call, null, onCommand));
    if (commands.length > 0) {
      const extra = config.agents[config.agent.default]?.env ?? {};
      const env = agentEnvironment(deps.env, extra, { ...warm, branch: null, batch: null, index: null });
      await crew.setupGate(() => runSetup(deps, { worktree: worktree.path, env }, commands, config.setup.timeout, onCommand, call));
      // Whoever gets the worktree is another: what carries its id would be nobody's.
      await deps.processes.endTrees([{ root: null, marker: ["AIFLEET_ID", id] }], { graceMs: GRACE_MS });
    }
    if (commands.length > 0 || isToBeNoted(deps, shared)) requireInPlace(await writeBaseline(deps, repo, warm, call), warm);
    await deps.git.writeMark(adminDir, marked(warm, true));
    return warm;
  });
}

/** What setup does to HEAD would be lost where a branch is made: such a setup is for each agent by itself. */
function requireInPlace({ head, branch, operation }: WorktreeFacts, { base }: WarmWorktree): void {
  if (head === base && branch === null && operation === null) return;
  throw new FleetError("SETUP_FAILED", "The setup commands commit or switch branches: what they make cannot be kept for agents to come.", {
    hint: "Set pool.size to 0, or leave git's HEAD alone in setup.commands.",
    data: { command: "", exitCode: 0, output: "" },
  });
}
