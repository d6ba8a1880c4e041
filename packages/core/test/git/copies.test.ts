import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { simpleGitDriver } from "../../src/drivers/git/simple-git.js";
import { localHost } from "../../src/host/index.js";
import type { GitDriver, HostFiles } from "../../src/ports/index.js";
import { runs } from "../properties/texts.js";
import { makeWorld, type World } from "../support/world.js";
import { addAll, processLocks, rootOf, spec } from "./support/driver.js";

let world: World;
beforeEach(() => {
  world = makeWorld("git-copies");
});
afterEach(() => world.dispose());

type Replicate = NonNullable<HostFiles["replicate"]>;

/** A driver; how often git checked something out, and what `meanwhile` does right before the copies are made. */
function driver(meanwhile: (from: string) => void = () => {}): { git: GitDriver; checkouts: () => number } {
  const host = localHost({ env: world.env, runner: "spawn" });
  const replicate: Replicate = (from, ...rest) => {
    meanwhile(from);
    return (host.files.replicate as Replicate)(from, ...rest);
  };
  let checkouts = 0;
  const git = simpleGitDriver({
    host: { ...host, files: { ...host.files, replicate } },
    locks: processLocks(),
    timeoutMs: 60_000,
    onCommand: ({ argv }) => {
      if (argv.includes("reset")) checkouts += 1;
    },
  });
  return { git, checkouts: () => checkouts };
}

const head = (path: string) => world.git(path, "rev-parse", "HEAD").trim();

/** Three worktrees, made together, and what git had to check out for them. */
async function three(path: string, made = driver()): Promise<{ places: string[]; checkouts: number }> {
  const repo = await rootOf(made.git, path);
  const places = [0, 1, 2].map((i) => join(world.root, `tree ${path.length}`, String(i)));
  const results = await addAll(
    made.git,
    repo,
    places.map((place, i) => spec(place, `b${i}`, head(path))),
  );
  for (const result of results) if (!result.ok) throw result.error;
  return { places, checkouts: made.checkouts() };
}

/** All that lies in a folder, `.git` left out: kind, mode and content by path. */
function contentOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (at: Buffer, name: string) => {
    for (const entry of readdirSync(at, { encoding: "buffer" })) {
      if (name === "" && entry.toString() === ".git") continue;
      const path = Buffer.concat([at, Buffer.from("/"), entry]);
      const stats = lstatSync(path);
      const key = `${name}/${entry.toString("latin1")}`;
      if (stats.isDirectory()) {
        found.set(key, `folder ${stats.mode.toString(8)}`);
        walk(path, key);
      } else if (stats.isSymbolicLink()) found.set(key, `link ${readlinkSync(path, "latin1")}`);
      else found.set(key, `file ${stats.mode.toString(8)} ${readFileSync(path, "latin1")}`);
    }
  };
  walk(Buffer.from(folder), "");
  return found;
}

/** As `git worktree add` makes it, clean, with nothing for git to look into, and an index that is sound. */
function expectLikeGits(path: string, places: readonly string[]): void {
  const reference = join(world.root, "reference");
  world.git(path, "worktree", "add", "-q", "--detach", reference, head(path));
  const expected = contentOf(reference);
  const listing = world.git(reference, "ls-files", "-s", "-z");
  for (const place of places) {
    expect(contentOf(place)).toEqual(expected);
    // Without a refresh: what differs from the index by so much as a time would show.
    expect(world.git(place, "diff-files", "--ignore-submodules=none")).toBe("");
    expect(world.git(place, "ls-files", "-s", "-z")).toBe(listing);
    expect(world.git(place, "diff-index", "HEAD")).toBe("");
    expect(world.git(place, "status", "--porcelain", "--ignored")).toBe("");
  }
  world.git(path, "worktree", "remove", "--force", reference);
}

describe("several worktrees at one commit", () => {
  it("are each like one of git's, whatever the tree holds, and whatever lies about in the user's own", async () => {
    const part = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("a", "b", "A", "ä", "with space", "-n", '"q"', "new\nline", ".x", "sub") },
      { weight: 1, arbitrary: fc.constantFrom("\xff\xfe", "b\xe4d", "tab\t") },
    );
    const entry = fc.record({
      path: fc.array(part, { minLength: 1, maxLength: 4 }),
      kind: fc.constantFrom("file", "file", "program", "link", "empty", "large"),
      content: fc.string({ maxLength: 40 }),
    });
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 25 }),
        fc.constantFrom(2, 3, 4),
        fc.constantFrom("sha1", "sha1", "sha256"),
        async (entries, version, format) => {
          const path = join(world.root, `repo${"x".repeat(n++)}`);
          world.git(world.root, "init", "-q", `--object-format=${format}`, path);
          world.git(path, "config", "index.version", String(version));
          for (const { path: parts, kind, content } of entries) {
            const bytes = parts.map((text) => Buffer.from(text, /[\x80-\xff]/.test(text) && !/ä/.test(text) ? "latin1" : "utf8"));
            place(Buffer.from(path), bytes, kind, content);
          }
          world.git(path, "add", "-A");
          world.git(path, "commit", "-q", "--allow-empty", "-m", "all");
          world.write(join(path, "untracked"), "work");
          const tracked = world.git(path, "ls-files", "-z").split("\0").filter(Boolean);
          const [first = ""] = tracked.filter((name) => /^[\w/.]+$/.test(name));
          if (first !== "") {
            world.git(path, "update-index", "--assume-unchanged", "--", first);
            world.git(path, "update-index", "--skip-worktree", "--", first);
          }
          world.git(path, "add", "-N", "untracked");
          const { places, checkouts } = await three(path);
          expectLikeGits(path, places);
          expect(checkouts).toBe(1);
          expect(world.git(path, "fsck", "--no-dangling")).toBe("");
        },
      ),
      runs(4),
    );
  }, 60_000);

  it("are older than their index, so that git looks into none of their files", async () => {
    const path = world.repo("repo", { a: "a", "b/c": "c" });
    const { places } = await three(path);
    for (const place of places.slice(1)) {
      const index = lstatSync(world.git(place, "rev-parse", "--git-path", "index").trim());
      for (const name of ["a", "b/c"]) {
        expect(Math.floor(lstatSync(join(place, name)).mtimeMs / 1000)).toBeLessThan(Math.floor(index.mtimeMs / 1000));
      }
      // One that is changed in the same instant, to the same length, is seen all the same.
      writeFileSync(join(place, "a"), "x");
      expect(world.git(place, "status", "--porcelain")).toBe(" M a\n");
    }
  });

  it("hold nothing but the commit, also when somebody writes into the one they are copied from", async () => {
    const path = world.repo("repo", { a: "a", "b/c": "c" });
    const made = driver((from) => writeFileSync(join(from, "b/c"), "!"));
    const { places, checkouts } = await three(path, made);
    expect(checkouts).toBe(3);
    expect(readFileSync(join(places[0] as string, "b/c"), "utf8")).toBe("!");
    expectLikeGits(path, places.slice(1));
  });

  it("are filled by git where one of them cannot be copied to", async () => {
    const path = world.repo("repo", { a: "a", "b/c": "c" });
    const made = driver((from) => writeFileSync(join(from, "../1/b"), "in the way"));
    const { places, checkouts } = await three(path, made);
    expect(checkouts).toBe(2);
    expectLikeGits(path, places);
  });

  it("have their submodules' folders, and hooks run in them that may change them", async () => {
    const lib = world.repo("lib");
    const path = world.repo("repo", { a: "a" });
    world.git(path, "submodule", "add", "-q", lib, "lib");
    world.git(path, "commit", "-q", "-m", "with a submodule");
    world.write(join(path, ".git/hooks/post-checkout"), '#!/bin/sh\necho "$1 $3" >a\n', 0o755);
    const { places, checkouts } = await three(path);
    expect(checkouts).toBe(1);
    for (const place of places) {
      expect(readdirSync(join(place, "lib"))).toEqual([]);
      expect(readFileSync(join(place, "a"), "utf8")).toBe(`${"0".repeat(40)} 1\n`);
      expect(world.git(place, "status", "--porcelain")).toBe(" M a\n");
    }
  });

  it.each<[string, (path: string) => void]>([
    ["a filter", (path) => world.git(path, "config", "filter.mine.smudge", "cat")],
    ["what calls itself git-lfs and is not", (path) => world.git(path, "config", "filter.lfs.process", "my-lfs")],
    ["settings of a branch", (path) => world.git(path, "config", "includeIf.onbranch:b1.path", "other")],
    ["a split index", (path) => world.git(path, "config", "core.splitIndex", "true")],
    ["an untracked cache", (path) => world.git(path, "config", "core.untrackedCache", "true")],
    ["a sparse checkout", (path) => world.git(path, "sparse-checkout", "set", "b")],
  ])("are checked out one by one where there is %s", async (_, prepare) => {
    const path = world.repo("repo", { a: "a", "b/c": "c", ".gitattributes": "a filter=mine\n" });
    prepare(path);
    const { places, checkouts } = await three(path);
    expect(checkouts).toBe(3);
    for (const place of places) expect(world.git(place, "status", "--porcelain")).toBe("");
  });

  it("have line ends and contents as git's attributes and git-lfs make them", async () => {
    const path = world.repo("repo", {
      ".gitattributes": "*.txt eol=crlf\n*.id ident\n*.w working-tree-encoding=UTF-16\n*.bin filter=lfs\n",
    });
    world.write(join(world.home, "bin/git-lfs"), '#!/bin/sh\n[ "$1" = smudge ] && exec tr a-z A-Z\nexec tr A-Z a-z\n', 0o755);
    world.env.PATH = `${join(world.home, "bin")}:${world.env.PATH}`;
    world.git(path, "config", "filter.lfs.smudge", "git-lfs smudge -- %f");
    world.git(path, "config", "filter.lfs.clean", "git-lfs clean -- %f");
    for (const [name, text] of Object.entries({ "a.txt": "a\r\nb\r\n", "b.id": "$Id$\n", "d.bin": "LARGE" }))
      world.write(join(path, name), text);
    writeFileSync(join(path, "c.w"), Buffer.from("\ufeffwide", "utf16le"));
    world.git(path, "add", "-A");
    world.git(path, "commit", "-q", "-m", "more");
    const { places, checkouts } = await three(path);
    expect(checkouts).toBe(1);
    expectLikeGits(path, places);
    expect(readFileSync(join(places[2] as string, "d.bin"), "utf8")).toBe("LARGE");
  });

  it.each([0o077, 0o000])("have the modes of the umask %o", async (umask) => {
    const path = world.repo("repo", { a: "a", "b/c": "c" });
    chmodSync(join(path, "a"), 0o755);
    world.git(path, "commit", "-aqm", "a program");
    const before = process.umask(umask);
    try {
      const { places } = await three(path);
      expectLikeGits(path, places);
    } finally {
      process.umask(before);
    }
  });
});

/** Puts something into a work tree, unless something else stands in its way. */
function place(root: Buffer, parts: readonly Buffer[], kind: string, content: string): void {
  const slash = Buffer.from("/");
  const path = parts.reduce((at, part) => Buffer.concat([at, slash, part]), root);
  try {
    mkdirSync(path.subarray(0, path.lastIndexOf("/")), { recursive: true });
    if (kind === "link") symlinkSync(content.replaceAll("\0", "") || "nowhere", path);
    else if (kind === "large") writeFileSync(path, content.repeat(9000), { flag: "wx" });
    else writeFileSync(path, kind === "empty" ? "" : content, { flag: "wx", mode: kind === "program" ? 0o755 : 0o644 });
  } catch {
    // A file is where the folder would be, or the other way round.
  }
}
