import type { AgentRecord, ProgressEvent, Repository, Warning, Worktree } from "../model/index.js";
import type { Call, SessionResult, SessionSpec, WorktreeResult, WorktreeSpec } from "../ports/index.js";
import { batcher } from "./batcher.js";
import type { Deps } from "./deps.js";
import { gate } from "./pool.js";
import { type Riser, riser } from "./rise.js";
import type { Warm } from "./warm/marks.js";
import { setupPrint } from "./warm/print.js";

/** How long what a failed checkout left running may take to tidy up, milliseconds. */
const LEFTOVER_MS = 500;

/** A call that tells what it notices and how far it is. */
export interface BringUpCall extends Call {
  readonly warn: (warning: Warning) => void;
  readonly progress: (event: ProgressEvent) => void;
}

/** What the agents of one call share, so that many at once cost few calls. */
export interface Crew {
  readonly repo: Repository;
  /** `key`: id of whom it is for. Of one that fails nothing runs on. */
  readonly addWorktree: (spec: WorktreeSpec) => Promise<Worktree>;
  readonly startSession: (spec: SessionSpec) => Promise<SessionResult>;
  readonly setupGate: <R>(work: () => Promise<R>) => Promise<R>;
  /** Worktrees of the pool that none of these agents has tried to take. */
  readonly warm: Warm[];
  /** Print of a wish's setup, as warm worktrees carry it. */
  readonly printOf: (commands: readonly string[], adapter: string) => Promise<string>;
  readonly commit: (record: AgentRecord) => Promise<void>;
  readonly waitUntilUp: Riser;
}

/** What is asked for by several of the `agents` at about the same time goes out as one request. */
export function makeCrew(deps: Deps, repo: Repository, call: BringUpCall, warm: readonly Warm[], agents: number): Crew {
  const parallel = deps.settings.config.fleet.maxParallel;
  const prints = new Map<string, Promise<string>>();
  const add = batcher(async (specs: readonly WorktreeSpec[]) => {
    const results = new Map<string, WorktreeResult>();
    for await (const result of deps.git.addWorktrees(repo, specs, { parallel }, call)) results.set(result.key, result);
    return specs.map(
      (spec) => results.get(spec.key) ?? { key: spec.key, ok: false as const, error: new Error("git did not answer for it") },
    );
  });
  return {
    repo,
    async addWorktree(spec) {
      const env = { AIFLEET_ID: spec.key };
      const result = await add({ ...spec, env }).catch((error: unknown) => ({ key: spec.key, ok: false as const, error }));
      if (result.ok) return result.worktree;
      // A filter or a hook outlives the git that was ended.
      await deps.processes.endTrees([{ root: null, marker: ["AIFLEET_ID", spec.key] }], { graceMs: LEFTOVER_MS });
      throw result.error;
    },
    startSession: batcher(async (specs) => {
      const results = new Map<string, SessionResult>();
      for await (const result of deps.sessions.create(specs, call)) results.set(result.agent, result);
      return specs.map(
        (spec) => results.get(spec.agent) ?? { agent: spec.agent, ok: false, error: new Error("the session driver did not answer for it") },
      );
    }, agents),
    setupGate: gate(parallel),
    warm: [...warm],
    printOf(commands, adapter) {
      const key = JSON.stringify([commands, adapter]);
      const print = prints.get(key) ?? setupPrint(deps, repo, commands, adapter);
      prints.set(key, print);
      return print;
    },
    commit: batcher(async (records) => {
      const done = new Map(records.map((record) => [record.id, record]));
      await deps.store.update((draft) => {
        draft.agents = draft.agents.map((agent) => done.get(agent.id) ?? agent);
      });
      return records.map(() => undefined);
    }),
    waitUntilUp: riser(deps, call),
  };
}
