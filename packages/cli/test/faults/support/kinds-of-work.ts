import { spawnSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";

/** The repository that agents work on, as the kinds of work expect it. */
export const FILES: Record<string, string> = {
  "README.md": "# A repository\n",
  "src/a.txt": "a\n",
  "src/b.txt": "b\n",
  "node_modules/ours.js": "tracked, though its folder is ignored\n",
  ".gitignore": "*.log\n.env\ndata/\nnode_modules/\n.scratch\n",
};

/** A repository of these files with a submodule `lib`. */
export function makeRepo(world: World): string {
  const library = world.repo("library", { "lib.txt": "lib\n", ".gitignore": "*.o\n" });
  const repo = world.repo("repo", { "README.md": "" });
  for (const [file, content] of Object.entries(FILES)) world.write(join(repo, file), content);
  world.git(repo, "add", "-f", ".");
  world.git(repo, "submodule", "--quiet", "add", library, "lib");
  world.git(repo, "commit", "-q", "-m", "files");
  return repo;
}

export interface Kind {
  readonly what: string;
  readonly make: (world: World, at: string) => void;
  /** What the refusal names. */
  readonly reason: RegExp;
  /** Files it lists; left out: not looked at. */
  readonly files?: readonly string[];
  /** What cannot come back as git saw it, and why; its files do all the same. */
  readonly but?: string;
}

/** Two agents' commits never are one and the same: else the one's branch would hold the other's work. */
export function commitFile(world: World, at: string, file: string, text = `${file}\n`): string {
  world.write(join(at, file), text);
  world.git(at, "add", "-f", file);
  world.git(at, "commit", "-q", "-m", `add ${file} in ${at}`);
  return world.git(at, "rev-parse", "HEAD").trim();
}

function stopped(world: World, at: string, ...args: string[]): void {
  const { status, stdout } = spawnSync("git", args, { cwd: at, env: world.env, encoding: "utf8" });
  if (status === 0) throw new Error(`git ${args.join(" ")} went through: ${stdout}`);
}

/** Two lines of history that meet in `src/a.txt`; answers with the other one's tip. */
function diverge(world: World, at: string): string {
  const base = world.git(at, "rev-parse", "HEAD").trim();
  const theirs = commitFile(world, at, "src/a.txt", "theirs\n");
  world.git(at, "branch", `theirs-${base.slice(0, 4)}-${Math.random().toString(36).slice(2)}`);
  world.git(at, "reset", "-q", "--hard", base);
  commitFile(world, at, "src/a.txt", "ours\n");
  return theirs;
}

function submodule(world: World, at: string): string {
  world.git(at, "submodule", "--quiet", "update", "--init");
  return join(at, "lib");
}

export const KINDS: readonly Kind[] = [
  {
    what: "a modified file",
    make: (w, at) => void w.write(join(at, "src/a.txt"), "changed\n"),
    reason: /1 uncommitted/,
    files: ["src/a.txt"],
  },
  { what: "a deleted file", make: (_, at) => rmSync(join(at, "src/a.txt")), reason: /1 uncommitted/, files: ["src/a.txt"] },
  { what: "a changed mode", make: (_, at) => chmodSync(join(at, "src/a.txt"), 0o755), reason: /1 uncommitted/, files: ["src/a.txt"] },
  {
    what: "a file staged, then changed again",
    make: (world, at) => {
      world.write(join(at, "src/a.txt"), "staged\n");
      world.git(at, "add", "src/a.txt");
      world.write(join(at, "src/a.txt"), "changed again\n");
    },
    reason: /1 uncommitted/,
    files: ["src/a.txt"],
  },
  {
    what: "a file that is only intended to be added",
    make: (world, at) => {
      world.write(join(at, "new.txt"), "new\n");
      world.git(at, "add", "-N", "new.txt");
    },
    reason: /1 uncommitted/,
    files: ["new.txt"],
  },
  {
    what: "untracked files of odd names",
    make: (world, at) => {
      world.write(join(at, "-rf"), "x");
      world.write(join(at, 'a\n"b" é'), "x");
      writeFileSync(Buffer.concat([Buffer.from(`${at}/`), Buffer.from([0xff, 0xfe, 0x41])]), "no UTF-8");
    },
    reason: /3 untracked/,
  },
  {
    what: "links, twins, empty and read-only folders, pipes",
    make: (world, at) => {
      mkdirSync(join(at, "locked/inside"), { recursive: true });
      world.write(join(at, "locked/inside/f.txt"), "f", 0o400);
      symlinkSync("../src/a.txt", join(at, "locked/link"));
      symlinkSync("/nowhere", join(at, "dangling"));
      linkSync(join(at, "locked/inside/f.txt"), join(at, "twin"));
      mkdirSync(join(at, "empty"), { mode: 0o711 });
      spawnSync("mkfifo", [join(at, "pipe")]);
      chmodSync(join(at, "locked/inside"), 0o500);
      chmodSync(join(at, "locked"), 0o500);
    },
    reason: /untracked/,
  },
  { what: "an ignored file", make: (w, at) => void w.write(join(at, "results.log"), "42\n"), reason: /1 ignored/, files: ["results.log"] },
  { what: "an ignored folder", make: (w, at) => void w.write(join(at, "data/out.csv"), "1\n"), reason: /1 ignored/, files: ["data/"] },
  {
    what: "a file that the agent told git to ignore",
    make: (world, at) => {
      world.write(join(at, "hidden.txt"), "hidden\n");
      commitFile(world, at, ".gitignore", "hidden.txt\n*.log\n.env\ndata/\nnode_modules/\n.scratch\n");
    },
    reason: /1 ignored/,
    files: ["hidden.txt"],
  },
  {
    what: "a tracked file in a folder that can be made again",
    make: (world, at) => void world.write(join(at, "node_modules/ours.js"), "changed\n"),
    reason: /1 uncommitted/,
    files: ["node_modules/ours.js"],
  },
  {
    what: "a new file in a folder that could be made again, but is not ignored",
    make: (world, at) => void world.write(join(at, "dist/only-here.js"), "x\n"),
    reason: /1 untracked/,
    files: ["dist/only-here.js"],
  },
  {
    what: "a change to a file that git was told to take for unchanged",
    make: (world, at) => {
      world.git(at, "update-index", "--assume-unchanged", "src/a.txt");
      world.write(join(at, "src/a.txt"), "changed\n");
    },
    reason: /1 uncommitted/,
    files: ["src/a.txt"],
  },
  {
    what: "a change to a file that git was told to skip",
    make: (world, at) => {
      world.git(at, "update-index", "--skip-worktree", "src/a.txt", "src/b.txt");
      world.write(join(at, "src/a.txt"), "changed\n");
      rmSync(join(at, "src/b.txt"));
    },
    reason: /1 uncommitted/,
    files: ["src/a.txt"],
  },
  {
    what: "a change in a sparse checkout",
    make: (world, at) => {
      world.git(at, "sparse-checkout", "set", "--no-cone", "/README.md", "/.gitignore");
      world.write(join(at, "README.md"), "changed\n");
    },
    reason: /1 uncommitted/,
    files: ["README.md"],
  },
  {
    what: "a stash, and a change",
    make: (world, at) => {
      world.write(join(at, "src/a.txt"), "stashed\n");
      world.git(at, "stash", "-q");
      world.write(join(at, "src/b.txt"), "changed\n");
    },
    reason: /1 uncommitted/,
    files: ["src/b.txt"],
  },
  {
    what: "a merge under way, with more staged beside the conflict",
    make: (world, at) => {
      const theirs = diverge(world, at);
      stopped(world, at, "merge", theirs);
      world.write(join(at, "beside.txt"), "staged only\n");
      world.git(at, "add", "beside.txt");
      world.write(join(at, "beside.txt"), "and changed\n");
    },
    reason: /a merge under way/,
  },
  {
    what: "a rebase under way",
    make: (world, at) => {
      const theirs = diverge(world, at);
      world.write(join(at, "README.md"), "kept aside by the rebase\n");
      stopped(world, at, "rebase", "-q", "--autostash", theirs);
    },
    reason: /a rebase under way/,
  },
  { what: "a cherry-pick under way", make: (w, at) => stopped(w, at, "cherry-pick", diverge(w, at)), reason: /a cherry-pick under way/ },
  {
    what: "a revert under way",
    make: (world, at) => {
      const first = commitFile(world, at, "src/a.txt", "first\n");
      commitFile(world, at, "src/a.txt", "second\n");
      stopped(world, at, "revert", "--no-edit", first);
    },
    reason: /a revert under way/,
  },
  {
    what: "a bisect under way",
    make: (world, at) => {
      commitFile(world, at, "one");
      commitFile(world, at, "two");
      world.git(at, "bisect", "start", "HEAD", "HEAD~2");
    },
    reason: /a bisect under way/,
  },
  {
    what: "an am under way",
    make: (world, at) => {
      const theirs = diverge(world, at);
      const patch = world.git(at, "format-patch", "--stdout", "-1", theirs);
      world.write(join(world.root, "patches", `${theirs}.patch`), patch);
      stopped(world, at, "am", "-q", join(world.root, "patches", `${theirs}.patch`));
    },
    reason: /an? am under way/,
  },
  {
    what: "commits on no branch",
    make: (world, at) => {
      world.git(at, "checkout", "-q", "--detach");
      commitFile(world, at, "one");
      commitFile(world, at, "two");
    },
    reason: /2 commits on no branch/,
    files: [],
  },
  {
    what: "commits whose branch was deleted under it",
    make: (world, at) => {
      commitFile(world, at, "one");
      const branch = world.git(at, "symbolic-ref", "HEAD").trim();
      world.git(at, "update-ref", "-d", branch);
    },
    reason: /uncommitted/,
    but: "the branch is made again, at its base; the commits are in the reflog",
  },
  {
    what: "a repository of its own inside",
    make: (world, at) => {
      mkdirSync(join(at, "nested"));
      world.git(join(at, "nested"), "init", "-q");
      commitFile(world, join(at, "nested"), "inner.txt");
    },
    reason: /1 untracked/,
    files: ["nested/"],
  },
  {
    what: "a repository of its own inside an ignored folder",
    make: (world, at) => {
      mkdirSync(join(at, "data/nested"), { recursive: true });
      world.git(join(at, "data/nested"), "init", "-q");
      commitFile(world, join(at, "data/nested"), "inner.txt");
    },
    reason: /1 ignored/,
    files: ["data/"],
  },
  {
    what: "a worktree of its own inside",
    make: (world, at) => {
      world.git(at, "worktree", "add", "-q", "--detach", join(at, ".scratch"));
      world.write(join(at, ".scratch/src/a.txt"), "changed in there\n");
    },
    reason: /ignored|untracked/,
    but: "git worktree prune took the inner one's registration meanwhile",
  },
  {
    what: "a submodule's commit that is recorded and pushed nowhere",
    make: (world, at) => {
      commitFile(world, submodule(world, at), "fix.txt");
      world.git(at, "commit", "-q", "-am", "take the fix");
    },
    reason: /1 commit in the submodule lib that no remote has/,
    files: [],
  },
  {
    what: "a submodule's commits on another branch",
    make: (world, at) => {
      const lib = submodule(world, at);
      world.git(lib, "checkout", "-q", "-b", "idea");
      commitFile(world, lib, "one.txt");
      commitFile(world, lib, "two.txt");
      world.git(at, "submodule", "--quiet", "update");
    },
    reason: /2 commits in the submodule lib/,
    files: [],
  },
  {
    what: "commits of a submodule that is not checked out any more",
    make: (world, at) => {
      const lib = submodule(world, at);
      world.git(lib, "checkout", "-q", "-b", "idea");
      commitFile(world, lib, "one.txt");
      world.git(at, "submodule", "--quiet", "deinit", "-f", "lib");
    },
    reason: /1 commit in the submodule lib/,
    files: [],
  },
  {
    what: "a stash in a submodule",
    make: (world, at) => {
      const lib = submodule(world, at);
      world.write(join(lib, "lib.txt"), "stashed\n");
      world.git(lib, "stash", "-q");
    },
    reason: /commits? in the submodule lib/,
    files: [],
  },
  {
    what: "a file that a submodule ignores",
    make: (world, at) => void world.write(join(submodule(world, at), "result.o"), "precious\n"),
    reason: /1 ignored/,
    files: ["lib/result.o"],
  },
  {
    what: "a worktree that somebody locked",
    make: (world, at) => void world.git(at, "worktree", "lock", "--reason", "on a disk of mine", at),
    reason: /locked with git worktree lock \(on a disk of mine\)/,
    files: [],
  },
];

/** What git knows of a worktree by itself: index to the byte, HEAD, reflog, operations; what stands in every one's own files. */
export function gitState(world: World, at: string): Record<string, string> {
  const admin = world.git(at, "rev-parse", "--absolute-git-dir").trim();
  const file = (name: string) => {
    try {
      return readFileSync(join(admin, name)).toString("latin1");
    } catch {
      return "none";
    }
  };
  return {
    status: world.git(at, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--ignored", "--untracked-files=all", "-z"),
    staged: world.git(at, "ls-files", "-s", "-v", "-z", "--debug"),
    head: file("HEAD"),
    reflog: file("logs/HEAD"),
    merge: file("MERGE_HEAD"),
    rebase: file("rebase-merge/git-rebase-todo"),
    autostash: file("rebase-merge/autostash"),
    sparse: file("info/sparse-checkout"),
    locked: file("locked"),
  };
}
