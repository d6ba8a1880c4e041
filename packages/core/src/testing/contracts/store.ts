import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import type { AgentRecord } from "../../model/index.js";
import type { Store } from "../../ports/index.js";
import type { ContractSuite } from "./suite.js";

/** What the store's contract is run on. */
export interface StoreSubject {
  /** An empty store. */
  readonly store: Store;
}

/** A whole record, for tests. */
export function sampleRecord(id: string, change: Partial<AgentRecord> = {}): AgentRecord {
  return {
    id,
    branch: `branch-${id}`,
    repo: "/repo",
    commonDir: "/repo/.git",
    project: "repo-abc123",
    slug: `branch-${id}`,
    worktree: `/worktrees/repo-abc123/branch-${id}`,
    adminDir: `/repo/.git/worktrees/branch-${id}`,
    session: `ai_repo-abc123_branch-${id}`,
    batch: null,
    index: null,
    adapter: "demo",
    prompt: 'Say "hello"\nand é 🚀',
    createdAt: "2025-01-01T00:00:00.000Z",
    base: "0".repeat(40),
    createdBranch: true,
    credentials: [],
    conversation: null,
    process: { pid: 4711, start: "1", boot: "b" },
    maker: null,
    status: "working",
    statusSource: "session",
    statusSince: "2025-01-01T00:00:00.000Z",
    exitCode: null,
    ...change,
  };
}

/** The promises of {@link Store}. */
export const storeContract: ContractSuite<StoreSubject> = {
  port: "Store",
  cases: [
    {
      name: "is empty and without problems at first",
      async run({ store }) {
        assert.deepEqual(await store.read(), { agents: [], repositories: [], problems: [] });
      },
    },
    {
      name: "keeps what an update put in, every field and character of it",
      async run({ store }) {
        const record = sampleRecord("a1");
        await store.update((draft) => {
          draft.agents.push(record);
          draft.repositories.push("/repo/.git");
        });
        assert.deepEqual(await store.read(), { agents: [record], repositories: ["/repo/.git"], problems: [] });
      },
    },
    {
      name: "hands an update what is stored and returns what it answers",
      async run({ store }) {
        await store.update((draft) => void draft.agents.push(sampleRecord("a1"), sampleRecord("a2")));
        assert.equal(await store.update((draft) => draft.agents.map((agent) => agent.id).join()), "a1,a2");
      },
    },
    {
      name: "takes parts away and replaces the lists",
      async run({ store }) {
        await store.update((draft) => void draft.agents.push(sampleRecord("a1"), sampleRecord("a2")));
        await store.update((draft) => {
          draft.agents = draft.agents.filter((agent) => agent.id !== "a1");
        });
        assert.deepEqual(
          (await store.read()).agents.map((agent) => agent.id),
          ["a2"],
        );
      },
    },
    {
      name: "changes nothing when the update throws, and throws the same",
      async run({ store }) {
        const failure = new Error("no");
        const work = store.update((draft) => {
          draft.agents.push(sampleRecord("a1"));
          throw failure;
        });
        await assert.rejects(work, (error) => error === failure);
        assert.deepEqual((await store.read()).agents, []);
      },
    },
    {
      name: "does not let a draft or an answer be changed behind its back",
      async run({ store }) {
        const kept = await store.update((draft) => {
          draft.agents.push(sampleRecord("a1"));
          return draft;
        });
        kept.agents.length = 0;
        assert.equal((await store.read()).agents.length, 1);
      },
    },
    {
      name: "loses none of many updates at once",
      async run({ store }) {
        const ids = Array.from({ length: 40 }, (_, at) => `a${at}`);
        await Promise.all(ids.map((id) => store.update((draft) => void draft.agents.push(sampleRecord(id)))));
        const stored = (await store.read()).agents.map((agent) => agent.id);
        assert.deepEqual([...stored].sort(), [...ids].sort());
      },
    },
    {
      name: "rejects with INTERRUPTED and changes nothing when aborted before",
      async run({ store }) {
        const call = { signal: AbortSignal.abort("enough") };
        const work = store.update((draft) => void draft.agents.push(sampleRecord("a1")), call);
        await assert.rejects(work, (error) => isFleetError(error, "INTERRUPTED") && error.cause === "enough");
        await assert.rejects(store.read(call), (error) => isFleetError(error, "INTERRUPTED"));
        assert.deepEqual((await store.read()).agents, []);
      },
    },
  ],
};
