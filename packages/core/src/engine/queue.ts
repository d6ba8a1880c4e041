import { createHash } from "node:crypto";
import { join } from "node:path";
import { toFleetError } from "../errors/index.js";
import type { AgentRecord, QueuedPrompt } from "../model/index.js";
import type { Call } from "../ports/index.js";
import { deliver } from "./deliver.js";
import type { Deps } from "./deps.js";
import { queueFileOf } from "./logs.js";
import type { Seen } from "./look.js";
import { type Receipt, refused, unverified } from "./receipt.js";

/** What a queued prompt is called: `<agent>.<when, padded>-<pid>-<count>.json`, so that names sort in the order of sending. */
const NAME = /^([a-z][a-z0-9]{7})\.\d{15}-\d+-\d+\.json(\.sent)?$/;
/** A prompt that was being typed when its courier ended: whether it arrived nobody knows, so it is never typed again. */
const SENT = ".sent";
const CUT_OFF = "it was being typed when the process that typed it ended";

let count = 0;

/** Keeps a prompt for an agent until it is idle. Says how many stand before it. */
export async function enqueue(deps: Deps, { id }: AgentRecord, text: string): Promise<number> {
  const { files } = deps.host;
  await files.makeFolder(deps.paths.queue);
  const before = (await queuedFor(deps, id)).length;
  count += 1;
  const at = deps.clock.now();
  const name = `${id}.${String(at).padStart(15, "0")}-${process.pid}-${String(count).padStart(6, "0")}.json`;
  await files.write(join(deps.paths.queue, name), `${JSON.stringify({ at: new Date(at).toISOString(), text })}\n`, 0o600, deps.paths.run);
  return before;
}

/** Ids of the agents for which prompts are kept. One folder is listed. */
export async function queues(deps: Deps): Promise<ReadonlySet<string>> {
  const names = (await deps.host.files.list(deps.paths.queue).catch(() => null)) ?? [];
  return new Set(names.flatMap((name) => NAME.exec(name)?.[1] ?? []));
}

/** Names of the files in which an agent's prompts are kept, in their order. */
async function queuedFor(deps: Deps, id: string): Promise<readonly string[]> {
  const names = (await deps.host.files.list(deps.paths.queue)) ?? [];
  return names.filter((name) => NAME.exec(name)?.[1] === id).sort();
}

/** What is queued for these agents, in the order in which each will be given it; but for what is being typed. */
export async function queuedPrompts(deps: Deps, records: readonly AgentRecord[]): Promise<readonly QueuedPrompt[]> {
  const names = ((await deps.host.files.list(deps.paths.queue)) ?? []).filter((name) => !name.endsWith(SENT)).sort();
  const kept = records.flatMap((record) => names.flatMap((name) => (NAME.exec(name)?.[1] === record.id ? [{ record, name }] : [])));
  const contents = await deps.host.files.readMany(kept.map(({ name }) => join(deps.paths.queue, name)));
  return kept.flatMap(({ record, name }, at) => {
    const text = textOf(contents[at] ?? null);
    return text === null ? [] : [asQueued(record, name, text)];
  });
}

/** The agent for which the prompt of that id is queued, null where there is none of it. */
export async function agentOfQueued(deps: Deps, id: string): Promise<string | null> {
  const names = (await deps.host.files.list(deps.paths.queue)) ?? [];
  return NAME.exec(names.find((name) => NAME.test(name) && promptId(name) === id) ?? "")?.[1] ?? null;
}

/** Lets go of prompts that are queued for one agent, all or those of these ids; each text is kept beside the agent's log. */
export function dropQueued(
  deps: Deps,
  record: AgentRecord,
  ids: ReadonlySet<string> | null,
  call?: Call,
): Promise<readonly QueuedPrompt[]> {
  const { files } = deps.host;
  return deps.locks.hold(
    lockOf(deps, record),
    async () => {
      const dropped: QueuedPrompt[] = [];
      for (const name of await queuedFor(deps, record.id)) {
        if (ids !== null && !ids.has(promptId(name))) continue;
        const file = join(deps.paths.queue, name);
        const text = textOf(await files.read(file));
        await note(deps, record, name.endsWith(SENT) ? unverified(CUT_OFF) : refused("it was dropped"), text);
        await files.remove(file);
        if (!name.endsWith(SENT)) dropped.push(asQueued(record, name, text ?? ""));
      }
      return dropped;
    },
    { timeoutMs: 60_000 },
    call,
  );
}

const lockOf = (deps: Deps, { id }: AgentRecord) => `${deps.paths.run}/queue-${id}`;

/** Short, and the same for as long as the prompt is queued. */
function promptId(name: string): string {
  return `q${createHash("sha256").update(name.replace(SENT, "")).digest("hex").slice(0, 7)}`;
}

function asQueued({ id, branch, repo }: AgentRecord, name: string, text: string): QueuedPrompt {
  const at = Number(/\.(\d{15})-/.exec(name)?.[1] ?? 0);
  return { id: promptId(name), agent: id, branch, repo, queuedAt: new Date(at).toISOString(), text };
}

/**
 * Gives an idle agent the first of its queued prompts; null where there is none. A refused one stays the first.
 * Before anything is typed the prompt is marked, so that one whose courier ends in the middle is never typed twice.
 */
export function deliverNext(deps: Deps, seen: Seen, call?: Call): Promise<Receipt | null> {
  const { record } = seen;
  const { files } = deps.host;
  return deps.locks.hold(
    lockOf(deps, record),
    async () => {
      for (const name of await queuedFor(deps, record.id)) {
        const file = join(deps.paths.queue, name);
        const text = textOf(await files.read(file));
        if (name.endsWith(SENT) || text === null) {
          await note(deps, record, unverified(text === null ? "it could not be read" : CUT_OFF), text);
          await files.remove(file);
          continue;
        }
        const marked = `${file}${SENT}`;
        await files.rename(file, marked);
        let receipt: Receipt;
        try {
          receipt = await deliver(deps, seen, text, call);
        } catch (error) {
          // All that is thrown comes before anything is typed.
          await files.rename(marked, file);
          throw toFleetError(error);
        }
        if (receipt.delivery === "refused") {
          await files.rename(marked, file);
          return receipt;
        }
        await note(deps, record, receipt, receipt.delivery === "delivered" ? null : text);
        await files.remove(marked);
        return receipt;
      }
      return null;
    },
    { timeoutMs: 60_000 },
    call,
  );
}

/** Lets go of what is queued for agents that are gone; each text is kept beside the agent's log. */
export async function dropQueues(deps: Deps, records: readonly AgentRecord[]): Promise<void> {
  const waiting = await queues(deps);
  for (const record of records.filter(({ id }) => waiting.has(id))) {
    for (const name of await queuedFor(deps, record.id)) {
      const file = join(deps.paths.queue, name);
      await note(deps, record, refused("the agent was removed"), textOf(await deps.host.files.read(file)));
      await deps.host.files.remove(file);
    }
  }
}

/** Keeps what an agent was to do that is gone before it was started. */
export async function noteDropped(deps: Deps, record: AgentRecord, text: string | null): Promise<void> {
  if (text !== null) await note(deps, record, refused("the agent was removed before it was started"), text);
}

function textOf(content: string | null): string | null {
  try {
    const { text } = JSON.parse(content ?? "") as { text?: unknown };
    return typeof text === "string" ? text : null;
  } catch {
    return null;
  }
}

/** What became of it, beside the agent's log: nobody may be there to be told. */
async function note(deps: Deps, { id, branch }: AgentRecord, receipt: Receipt, text: string | null): Promise<void> {
  const row = { at: new Date(deps.clock.now()).toISOString(), branch, ...receipt, ...(text === null ? {} : { text }) };
  await deps.host.files.append(queueFileOf(deps, id), `${JSON.stringify(row)}\n`);
}
