import { join } from "node:path";
import type { Call, HostFiles } from "../../ports/index.js";
import type { Git } from "./client.js";
import { tipsHeldByNone } from "./reflog.js";

/** Files and folders of an admin directory that name commits. */
const NAMING = /^(?:[A-Z_]+HEAD|BISECT_.*|refs|logs|sequencer|rebase-merge|rebase-apply)$/;
/** More than this is no list of commits. */
const MAX_BYTES = 4_000_000;
/** Longest list of parents a commit is given. */
const MAX_TIPS = 500;

/** Tips of the commits that nothing names but a worktree's own files: its reflog, an operation under way, refs of its own. */
export async function ownCommits(
  git: Git,
  commonDir: string,
  adminDir: string,
  held: readonly string[],
  call?: Call,
): Promise<readonly string[]> {
  const names = ((await git.host.files.list(adminDir)) ?? []).filter((name) => NAMING.test(name));
  const oids = new Set<string>();
  for (const name of names) await collect(git.host.files, join(adminDir, name), oids);
  for (const oid of held) oids.delete(oid);
  if (oids.size === 0) return [];
  const input = [...oids].map((oid) => `${oid}\n`).join("");
  const { stdout } = await git.run(commonDir, ["cat-file", "--batch-check"], { kind: "scan", input }, call);
  const commits = stdout.split("\n").flatMap((line) => /^([0-9a-f]+) commit \d+$/.exec(line)?.[1] ?? []);
  return (await tipsHeldByNone(git, commonDir, commits, held, call)).slice(0, MAX_TIPS);
}

async function collect(files: HostFiles, path: string, oids: Set<string>): Promise<void> {
  const stat = await files.stat(path);
  if (stat?.kind === "folder") for (const name of (await files.list(path)) ?? []) await collect(files, join(path, name), oids);
  if (stat?.kind !== "file" || stat.size > MAX_BYTES) return;
  for (const [oid] of ((await files.read(path)) ?? "").matchAll(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g)) oids.add(oid);
}
