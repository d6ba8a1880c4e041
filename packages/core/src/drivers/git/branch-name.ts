import { FleetError } from "../../errors/index.js";

/** Longest part between slashes, bytes: file systems stop at 255, and git appends `.lock`. */
const PART_BYTES = 244;
/** Longest whole name, bytes: it becomes a path under the git directory. */
const NAME_BYTES = 1000;

/**
 * Throws `INVALID_BRANCH` with the reason unless git takes the text as a branch name. The rules are
 * those of `git check-ref-format --branch`, with limits added so that its files can be made.
 */
export function checkBranchName(name: string): void {
  const fault = faultOf(name);
  if (fault === null) return;
  const [reason, hint] = fault;
  throw new FleetError("INVALID_BRANCH", `${JSON.stringify(name)} is no branch name: ${reason}.`, { hint, data: { branch: name } });
}

function faultOf(name: string): readonly [reason: string, hint: string] | null {
  if (name === "") return ["it is empty", "Give the branch a name, such as fix-auth."];
  if (name === "HEAD") return ["git keeps HEAD for itself", "Choose another name."];
  if (name === "@") return ["git reads @ as HEAD", "Choose another name."];
  if (name.startsWith("-")) return ["it starts with a dash", "Begin with a letter or a digit."];
  if (/[\u0000-\u001f\u007f]/.test(name)) return ["it holds a control character or a line break", "Remove it."];
  const bad = /[ ~^:?*[\\]/.exec(name);
  if (bad !== null) return [bad[0] === " " ? "it holds a space" : `it holds ${bad[0]}`, "Use letters, digits, dashes and slashes."];
  if (name.includes("..")) return ["it holds two dots in a row", "Use one dot or a dash."];
  if (name.includes("@{")) return ["it holds @{", "Remove the brace."];
  if (name.startsWith("/") || name.endsWith("/")) return ["it starts or ends with a slash", "Remove that slash."];
  if (name.includes("//")) return ["it holds two slashes in a row", "Use one slash."];
  if (name.endsWith(".")) return ["it ends with a dot", "Remove the dot."];
  if (/[\ud800-\udfff]/u.test(name)) return ["it holds half a character", "Type it again."];
  for (const part of name.split("/")) {
    if (part.startsWith(".")) return [`its part ${part} starts with a dot`, "Remove that dot."];
    if (part.endsWith(".lock")) return [`its part ${part} ends with .lock`, "Choose another ending."];
    if (Buffer.byteLength(part) > PART_BYTES) return [`a part of it is longer than ${PART_BYTES} bytes`, "Choose a shorter name."];
  }
  if (Buffer.byteLength(name) > NAME_BYTES) return [`it is longer than ${NAME_BYTES} bytes`, "Choose a shorter name."];
  return null;
}
