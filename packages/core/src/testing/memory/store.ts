import { FleetError, interrupted, throwIfAborted } from "../../errors/index.js";
import type { Draft, Journal, Locks, Snapshot, Step, Store, Unfinished } from "../../ports/index.js";

/** A registry that lives as long as the object. */
export function memoryStore(initial: Partial<Snapshot> = {}): Store {
  let state: Draft = structuredClone({ agents: [...(initial.agents ?? [])], repositories: [...(initial.repositories ?? [])] });
  return {
    async read(call = {}) {
      throwIfAborted(call.signal);
      return { ...structuredClone(state), problems: [] };
    },
    async update(change, call = {}) {
      throwIfAborted(call.signal);
      const draft = structuredClone(state);
      const result = change(draft);
      state = structuredClone(draft);
      return result;
    },
  };
}

/** Locks inside this process only. */
export function memoryLocks(): Locks {
  const held = new Map<string, Promise<void>>();
  return {
    async hold(path, work, { timeoutMs = 10_000 } = {}, call = {}) {
      throwIfAborted(call.signal);
      const until = Date.now() + timeoutMs;
      const waited = held.has(path);
      for (let before = held.get(path); before !== undefined; before = held.get(path)) {
        await firstOf(before, until - Date.now(), path, call.signal);
      }
      let release = (): void => undefined;
      held.set(path, new Promise((resolve) => (release = resolve)));
      try {
        return await work({ waited });
      } finally {
        held.delete(path);
        release();
      }
    },
    // A process that ends takes its locks with it.
    sweep: async () => undefined,
  };
}

/** A journal that lives as long as the object. */
export function memoryJournal(): Journal {
  const entries = new Map<string, Unfinished & { steps: Step[] }>();
  let last = 0;
  return {
    async begin(maker) {
      const id = `t${++last}`;
      const entry = { id, maker, run: null, begunAt: Date.now(), steps: [] as Step[] };
      entries.set(id, entry);
      return {
        async did(step) {
          entry.steps.push(structuredClone(step));
        },
        async close() {
          entries.delete(id);
        },
      };
    },
    pending: async () => structuredClone([...entries.values()]),
    async forget(id) {
      entries.delete(id);
    },
  };
}

/** Waits for the holder before, but not past the deadline or an abort. */
function firstOf(before: Promise<void>, ms: number, path: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(new FleetError("LOCKED", `${path} is locked.`))), Math.max(0, ms));
    const abort = (): void => settle(() => signal !== undefined && reject(interrupted(signal)));
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      end();
    };
    signal?.addEventListener("abort", abort, { once: true });
    void before.then(() => settle(resolve));
  });
}
