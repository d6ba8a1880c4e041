import { toFleetError } from "../../errors/index.js";
import type { Call } from "../../ports/index.js";
import type { Deps } from "../deps.js";
import { readEntry } from "./entries.js";

/** The starts of one process that are under way. One whose agent is dropped, or taken out of the queue, meanwhile is called off. */
export interface InHand {
  readonly ids: ReadonlySet<string>;
  /** What could not even be written down as failed: by id, why. */
  readonly stuck: ReadonlyMap<string, string>;
  begin(id: string, work: (call: Call) => Promise<void>): void;
  /** Calls off what is not queued any more: also where nobody tells of changes. */
  check(): Promise<void>;
  /** Waits for all. */
  close(): Promise<void>;
}

export function startsInHand(deps: Deps, call: Call | undefined, onEnd: () => void): InHand {
  const starts = new Map<string, { readonly done: Promise<void>; readonly off: AbortController }>();
  const ids = new Set<string>();
  const stuck = new Map<string, string>();
  const check = async () => {
    for (const [id, { off }] of starts) if ((await readEntry(deps, id))?.record.status !== "queued") off.abort("called off");
  };
  const folder = deps.host.files.watch?.(() => void check().catch(() => undefined));
  folder?.set([deps.paths.queue]);
  return {
    ids,
    stuck,
    check,
    begin(id, work) {
      const off = new AbortController();
      const signal = call?.signal === undefined ? off.signal : AbortSignal.any([call.signal, off.signal]);
      ids.add(id);
      const done = work({ signal })
        .catch((error: unknown) => void stuck.set(id, toFleetError(error).message))
        .finally(() => {
          starts.delete(id);
          ids.delete(id);
          onEnd();
        });
      starts.set(id, { done, off });
    },
    async close() {
      await Promise.all([...starts.values()].map(({ done }) => done));
      folder?.close();
    },
  };
}
