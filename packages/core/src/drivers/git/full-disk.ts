import { dirname, join } from "node:path";
import { type FleetError, toFleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import type { Host } from "../../ports/index.js";
import { QUICK_MS } from "./environment.js";
import { couldNotWrite, type GitOutcome, gitFailure, isUnexplainedWrite } from "./failure.js";

/** What must fit on a disk that is not called full. */
const ROOM = "\0".repeat(1 << 20);

/** What a git failed of, run in `folder`; where it does not say why it could not write, it is tried. */
export async function failureOf(host: Host, argv: readonly string[], outcome: GitOutcome, folder: string): Promise<FleetError> {
  if (outcome.exitCode === null && (await isSizeLimited(host))) {
    const limit = toFleetError(Object.assign(new Error("a signal ended it"), { code: "EFBIG" }));
    return couldNotWrite(argv, { ...outcome, stderr: "a file would be larger than the limit on file sizes allows" }, folder, limit);
  }
  if (!isUnexplainedWrite(outcome)) return gitFailure(argv, outcome, folder);
  const common = ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"] as const;
  const asked = await host.run(common, { cwd: folder, timeoutMs: QUICK_MS }).catch(() => null);
  const repository = asked?.exitCode === 0 ? asked.stdout.replace(/\n$/, "") : folder;
  // Beside the worktree, not in it: what is in it is somebody's work.
  for (const [place, probed] of [
    [folder, dirname(folder)],
    [repository, repository],
  ] as const) {
    const found = await tryWriting(host, probed);
    if (found !== null) return couldNotWrite(argv, outcome, place, found);
  }
  return gitFailure(argv, outcome, folder);
}

/** Why nothing more can be written to a folder's disk; null if it can, or if only that folder is closed to us. */
async function tryWriting({ files }: Host, folder: string): Promise<FleetError | null> {
  const probe = join(folder, `.tmp-${process.pid}-${token()}`);
  try {
    await files.append(probe, ROOM);
    return null;
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    return ["ENOSPC", "EDQUOT", "EFBIG", "EROFS"].includes(code ?? "") ? toFleetError(error) : null;
  } finally {
    await files.remove(probe).catch(() => undefined);
  }
}

/** Whether files have a largest size here: git is ended by a signal where it goes beyond. */
async function isSizeLimited({ files }: Host): Promise<boolean> {
  const [limits] = await files.readMany(["/proc/self/limits"]);
  return /^Max file size\s+\d/m.test(limits ?? "");
}
