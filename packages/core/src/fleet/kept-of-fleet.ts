import { carry } from "../engine/courier.js";
import { deleteGivenUp } from "../engine/given-up.js";
import type { QueuedPrompt, SavedEntry, Target } from "../model/index.js";
import { fill } from "./actions/call.js";
import { dropQueued, queued } from "./actions/queue.js";
import { dropTrash, trash } from "./actions/trash.js";
import type { Opened } from "./opened.js";
import { SettingsOfFleet } from "./settings-of-fleet.js";
import type { CallOptions, DropResult, TrashOptions } from "./types.js";

/** What a fleet keeps beside its agents: prompts and agents that wait, the work of those that were killed, and what is still to be deleted. */
export abstract class KeptOfFleet extends SettingsOfFleet {
  readonly #opened: Opened;

  protected constructor(opened: Opened) {
    super(opened);
    this.#opened = opened;
  }

  /** Gives queued prompts to idle agents and starts queued agents, of all repositories, until none is left or another process does it. */
  deliverQueued(call?: CallOptions): Promise<void> {
    return carry(this.#opened.deps, fill(call).warn, call);
  }

  /**
   * The prompts that wait for their agents to be idle, in the order in which each will get them. A name may also be that of
   * one prompt.
   *
   * @example
   * for (const { branch, text } of await fleet.queued()) console.log(branch, text);
   */
  queued(target: Target = { all: true }, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
    return queued(this.#opened.deps, target, call);
  }

  /**
   * Lets go of prompts that wait, and answers with them; their texts stay in `logs/<agent id>.queue.jsonl`. One that is being
   * typed is not among them.
   */
  dropQueued(target: Target, call?: CallOptions): Promise<readonly QueuedPrompt[]> {
    return dropQueued(this.#opened.deps, target, call);
  }

  /** What kills have saved, newest first. Throws `AGENT_NOT_FOUND` for a name that stands for nothing. */
  trash(options: TrashOptions = {}, call?: CallOptions): Promise<readonly SavedEntry[]> {
    return trash(this.#opened.deps, options, call);
  }

  /** Lets go for good of what kills have saved: folder, note and refs. One by name that cannot be dropped is thrown. */
  dropTrash(options: TrashOptions, call?: CallOptions): Promise<DropResult> {
    return dropTrash(this.#opened.deps, options, call);
  }

  /**
   * Deletes the folders of removed worktrees that were left to be deleted in the background: what `startDeleter` is to have done.
   * Ends when none is left, or another process does it.
   */
  deleteRemoved(call?: CallOptions): Promise<void> {
    return deleteGivenUp(this.#opened.deps, call);
  }
}
