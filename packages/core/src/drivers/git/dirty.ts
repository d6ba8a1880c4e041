import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { plainPlaceOf } from "./root.js";
import { untouched } from "./untouched.js";

/** An index up to this size is looked through here, bytes (some 250 files); beyond it git is as fast, and has a processor of its own. */
const SMALL_INDEX = 20_000;
/** It is for a warning. */
const LOOSE = { mostIndex: SMALL_INDEX, losable: false };

/** Whether the worktree that holds `folder` has uncommitted or untracked files; false where there is no work tree. */
export async function isDirty(git: Git, folder: string, call?: Call): Promise<boolean> {
  const place = await plainPlaceOf(git, folder);
  if (place !== null && (await untouched(git, place.repo.commonDir, place, call, LOOSE)) !== null) return false;
  const args = ["status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=none"];
  const { exitCode, stdout } = await git.run(folder, args, { kind: "scan", accept: [0, 128] }, call);
  if (exitCode === 0) return stdout !== "";
  const inside = await git.run(folder, ["rev-parse", "--is-inside-work-tree"], { kind: "quick" }, call);
  if (inside.stdout.trim() === "false") return false;
  return (await git.run(folder, args, { kind: "scan" }, call)).stdout !== "";
}
