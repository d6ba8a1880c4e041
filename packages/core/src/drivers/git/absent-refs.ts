import { join } from "node:path";
import type { Repository } from "../../model/index.js";
import type { HostFiles } from "../../ports/index.js";

/** A longer list of packed refs is searched by git, which need not read all of it, bytes. */
const MOST_PACKED = 4_000_000;

/**
 * Whether files alone show that none of those refs is there, nor anything inside them: no file, no folder, no packed one. It is so for
 * most names that somebody thinks up. False shows nothing: then git is asked. For refs that are kept as files.
 */
export async function areAbsent(files: HostFiles, { commonDir }: Repository, refs: readonly string[]): Promise<boolean> {
  // Before the packed ones: packing writes them there first, and removes their files then.
  for (const ref of refs) if ((await files.stat(join(commonDir, ref))) !== null) return false;
  const list = join(commonDir, "packed-refs");
  if (((await files.stat(list))?.size ?? 0) > MOST_PACKED) return false;
  const packed = await files.read(list);
  return packed === null || refs.every((ref) => !packed.includes(` ${ref}\n`) && !packed.includes(` ${ref}/`));
}
