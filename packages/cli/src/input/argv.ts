import { readFileSync } from "node:fs";
import { usage } from "../failure.js";

/**
 * Throws where an argument was no UTF-8: Node has put replacement characters in the place of its bytes, so
 * that a prompt would arrive as another text and a path would name another file.
 */
export function refuseBytes(): void {
  for (const bytes of argumentsOf()) {
    if (Buffer.from(bytes.toString("utf8")).equals(bytes)) continue;
    throw usage("An argument is no text in UTF-8.", "Convert it, or give a prompt with --prompt-file.", {
      argument: bytes.toString("utf8"),
    });
  }
}

/** The arguments as the kernel has them; none where it does not say. */
function argumentsOf(): Buffer[] {
  let line: Buffer;
  try {
    line = readFileSync("/proc/self/cmdline");
  } catch {
    return [];
  }
  const found: Buffer[] = [];
  for (let at = 0; at < line.length; ) {
    const end = line.indexOf(0, at);
    found.push(line.subarray(at, end));
    at = end + 1;
  }
  return found;
}
