// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of code.
const contention = "packages/cli/test/faults/contention.test.ts";

export default [
  {
    what: "one command at a time makes branches and registrations in a repository",
    file: "packages/core/src/drivers/git/repository-lock.ts",
    replace: 'return locks.hold(join(repo.commonDir, "aifleet.lock"), work, { timeoutMs: WAIT_MS }, call);',
    by: "return work();",
    test: "packages/core/test/git/remove.test.ts",
    name: "of two branches with the same commits",
  },
  {
    what: "the registry is read, changed and written under its lock",
    file: "packages/core/src/drivers/store/file-store.ts",
    replace: "        paths.state,\n        async () => {",
    by: "        `${paths.state}-${Math.random()}`,\n        async () => {",
    // A lost record alone is taken up again from its mark: only the store's own test sees it.
    test: "packages/core/test/store/file-store.test.ts",
    name: "loses nothing of 64 processes",
  },
  {
    what: "one command at a time ends, starts, removes or restores an agent",
    file: "packages/core/src/engine/agent-lock.ts",
    replace: "return deps.locks.hold(`${deps.paths.run}/agent-${id}`, () => hold(at + 1), { timeoutMs: LOCK_MS }, call);",
    by: "return hold(at + 1);",
    test: contention,
    name: "stops and resumes of one agent",
  },
  {
    what: "who waited for an agent looks again at what became of it",
    file: "packages/core/src/engine/agent-lock.ts",
    replace: "async () => work(await asTheyAre(deps, seen, warn, call))",
    by: "async () => work({ there: seen, gone: [] })",
    test: contention,
    name: "kills of one batch, of all and of single agents",
  },
  {
    what: "one prompt at a time is typed into an agent's terminal",
    file: "packages/core/src/engine/deliver.ts",
    replace: "`${deps.paths.run}/prompt-${record.id}`,",
    by: "`${deps.paths.run}/prompt-${record.id}-${deps.ids.next()}`,",
    test: contention,
    name: "prompts to one agent",
  },
  {
    what: "a prompt that waited behind another looks again before it types",
    file: "packages/core/src/engine/deliver.ts",
    replace: "if (!waited && !(await wasTypedSince(deps, record.id, seenAt))) return",
    by: "if (waited || !(await wasTypedSince(deps, record.id, seenAt)) || true) return",
    test: contention,
    name: "a prompt that waited behind one that opened a question",
  },
  {
    what: "what was seen of an agent before another prompt was typed is looked at again",
    file: "packages/core/src/engine/deliver.ts",
    replace: "!(await wasTypedSince(deps, record.id, seenAt))",
    by: "((await wasTypedSince(deps, record.id, seenAt)) || true)",
    test: "packages/core/test/fleet/typed.test.ts",
    name: "is refused where that one opened a question",
  },
];
