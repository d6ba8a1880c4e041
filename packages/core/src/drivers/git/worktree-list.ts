import type { Repository, Worktree } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { Git } from "./client.js";
import { senseless } from "./failure.js";
import { readRegistrations } from "./registrations.js";
import { retrying } from "./repository-lock.js";

/** One record of `git worktree list --porcelain -z`. */
export interface ListedWorktree {
  readonly path: string;
  readonly head: string | null;
  readonly branch: string | null;
  readonly bare: boolean;
  readonly locked: string | null;
}

/** Parses `git worktree list --porcelain -z`: fields end in NUL, records in another one. */
export function parseWorktreeList(text: string): ListedWorktree[] {
  return text
    .split("\0\0")
    .filter((record) => record !== "")
    .map((record) => {
      const fields = new Map(
        record.split("\0").map((field) => {
          const cut = field.indexOf(" ");
          return cut < 0 ? [field, ""] : [field.slice(0, cut), field.slice(cut + 1)];
        }),
      );
      const head = fields.get("HEAD") ?? null;
      return {
        path: fields.get("worktree") ?? "",
        head: head === null || /^0+$/.test(head) ? null : head,
        branch: fields.get("branch")?.replace(/^refs\/heads\//, "") ?? null,
        bare: fields.has("bare"),
        locked: fields.get("locked") ?? null,
      };
    });
}

/** Every worktree of the repository, the main one first. A bare repository's own entry is no worktree and left out. */
export async function listWorktrees(git: Git, repo: Repository, call?: Call): Promise<Worktree[]> {
  const args = ["worktree", "list", "--porcelain", "-z"];
  const [{ stdout }, registrations] = await Promise.all([
    // It fails where one is unregistered under its eyes.
    retrying(() => git.run(repo.commonDir, args, { kind: "quick" }, call), call),
    readRegistrations(git.host.files, repo.commonDir),
  ]);
  // The repository itself is always among them, and each ends in an empty field.
  if (!stdout.startsWith("worktree ") || !stdout.endsWith("\0\0")) throw senseless(args, stdout);
  const [main, ...linked] = parseWorktreeList(stdout);
  const found: Worktree[] = [];
  if (main !== undefined && !main.bare && !repo.bare) {
    const { head, branch } = main;
    found.push({ path: repo.path, adminDir: repo.commonDir, head, branch, main: true, locked: null, present: true });
  }
  const left = [...registrations];
  for (const { path, head, branch, locked } of linked) {
    const at = left.findIndex((registration) => registration.path === path);
    // Registered or removed between the two looks: the next call tells.
    if (at < 0) continue;
    const [registration] = left.splice(at, 1);
    if (registration === undefined) continue;
    found.push({ path, adminDir: registration.adminDir, head, branch, main: false, locked, present: registration.present });
  }
  return found;
}
