import type { Target } from "@aifleet/core";
import { usage } from "./failure.js";

export interface Chosen {
  readonly target: Target;
  /** One agent by name: its errors are the command's own, nothing is asked, and its JSON is not a list. */
  readonly single: boolean;
}

/** The agents a command line names: names and globs, one batch, or all. Exactly one of the three. */
export function chosen(names: readonly string[] | undefined, flags: { batch?: string | undefined; all?: boolean | undefined }): Chosen {
  const given = [...new Set(names ?? [])];
  const ways = [given.length > 0, flags.batch !== undefined, flags.all === true].filter(Boolean).length;
  if (ways === 0) throw usage("Say which agents: BRANCH, a glob, --batch ID or --all.", "`fleet list` shows them.");
  if (ways > 1) throw usage("Names, --batch and --all exclude each other.", "Give one of them.");
  const empty = given.find((name) => name.trim() === "") ?? (flags.batch?.trim() === "" ? "" : undefined);
  if (empty !== undefined) throw usage("An empty name stands for no agent.", "`fleet list` shows them.");
  if (flags.batch !== undefined) return { target: { batch: flags.batch }, single: false };
  if (flags.all === true) return { target: { all: true }, single: false };
  const [first] = given;
  if (given.length === 1 && first !== undefined) return { target: first, single: !isGlob(first) };
  return { target: given, single: false };
}

export function isGlob(name: string): boolean {
  return /[*?]/.test(name);
}
