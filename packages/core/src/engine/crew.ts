import type { AgentRecord, ProgressEvent, Repository, Warning } from "../model/index.js";
import type { Call, SessionResult, SessionSpec, WorktreeResult, WorktreeSpec } from "../ports/index.js";
import { batcher } from "./batcher.js";
import type { Deps } from "./deps.js";
import { gate } from "./pool.js";
import { type Riser, riser } from "./rise.js";

/** A call that tells what it notices and how far it is. */
export interface BringUpCall extends Call {
  readonly warn: (warning: Warning) => void;
  readonly progress: (event: ProgressEvent) => void;
}

/** What the agents of one call share, so that many at once cost few calls. */
export interface Crew {
  readonly repo: Repository;
  readonly addWorktree: (spec: WorktreeSpec) => Promise<WorktreeResult>;
  readonly startSession: (spec: SessionSpec) => Promise<SessionResult>;
  readonly setupGate: <R>(work: () => Promise<R>) => Promise<R>;
  readonly commit: (record: AgentRecord) => Promise<void>;
  readonly waitUntilUp: Riser;
}

/** What is asked for by several agents at about the same time goes out as one request. */
export function makeCrew(deps: Deps, repo: Repository, call: BringUpCall): Crew {
  const parallel = deps.settings.config.fleet.maxParallel;
  return {
    repo,
    addWorktree: batcher(async (specs) => {
      const results = new Map<string, WorktreeResult>();
      for await (const result of deps.git.addWorktrees(repo, specs, { parallel }, call)) results.set(result.key, result);
      return specs.map((spec) => results.get(spec.key) ?? { key: spec.key, ok: false, error: new Error("git did not answer for it") });
    }),
    startSession: batcher(async (specs) => {
      const results = new Map<string, SessionResult>();
      for await (const result of deps.sessions.create(specs, call)) results.set(result.agent, result);
      return specs.map(
        (spec) => results.get(spec.agent) ?? { agent: spec.agent, ok: false, error: new Error("the session driver did not answer for it") },
      );
    }),
    setupGate: gate(parallel),
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
