import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";

/** Whether the worktree that holds `folder` has uncommitted or untracked files; false where there is no work tree. */
export async function isDirty(git: Git, folder: string, call?: Call): Promise<boolean> {
  const args = ["status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=none"];
  const { exitCode, stdout } = await git.run(folder, args, { kind: "scan", accept: [0, 128] }, call);
  if (exitCode === 0) return stdout !== "";
  const inside = await git.run(folder, ["rev-parse", "--is-inside-work-tree"], { kind: "quick" }, call);
  if (inside.stdout.trim() === "false") return false;
  return (await git.run(folder, args, { kind: "scan" }, call)).stdout !== "";
}
