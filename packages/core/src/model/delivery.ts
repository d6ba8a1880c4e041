/** What became of a prompt. */
export type Delivery = "delivered" | "queued" | "refused" | "unverified";

/**
 * By what a prompt is known to be delivered, the strongest first.
 *
 * - `hook`: the program reported that it took this very text
 * - `transcript`: the program wrote this very text down as taken, in a file of its own
 * - `screen`: the program has read text and Enter, and the text has left its input
 * - `read`: the program has read text and Enter
 */
export type DeliveryEvidence = "hook" | "transcript" | "screen" | "read";

/** A prompt that is kept for an agent until it is idle. */
export interface QueuedPrompt {
  /** Names this prompt where one of several is meant. */
  readonly id: string;
  /** Id of the agent it is for. */
  readonly agent: string;
  readonly branch: string;
  readonly repo: string;
  readonly queuedAt: string;
  readonly text: string;
}
