import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The branch checked out in a folder, read from git's own files; null if there is none. */
export function branchOf(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const head = read(join(gitFolder(at), "HEAD"));
    if (head !== null) return /^ref: refs\/heads\/(.+)/.exec(head)?.[1] ?? null;
    if (dirname(at) === at) return null;
  }
}

function gitFolder(folder: string): string {
  const link = /^gitdir: (.+)/.exec(read(join(folder, ".git")) ?? "")?.[1];
  return link === undefined ? join(folder, ".git") : resolve(folder, link);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Path of the note on a prompt, relative to the worktree. */
export function noteFor(text: string): string {
  const slug = text
    .slice(0, 400)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return join("demo", `${slug || "note"}.md`);
}

/** Adds to a file of the worktree, making it where it is missing. */
export function addTo(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, text);
}

export function writeTo(file: string, text: string): void {
  writeFileSync(file, text);
}

/**
 * Commits one file, under an identity of the agent's own so that it works where nobody has set one.
 * Hooks run as ever. Returns what went wrong, null if nothing did.
 */
export async function commit(file: string, message: string, signal: AbortSignal): Promise<string | null> {
  const added = await git(["add", "--", file], signal);
  if (added !== null) return added;
  const who = ["-c", "user.name=Demo Agent", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false"];
  return git([...who, "commit", "-q", "-m", message, "--", file], signal);
}

function git(args: readonly string[], signal: AbortSignal): Promise<string | null> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  return new Promise((done) => {
    const child = spawn("git", args, { env, signal, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-1000);
    });
    child.on("error", (error) => done(error.message));
    child.on("close", (code) => done(code === 0 ? null : (said.trim().split("\n").at(-1) ?? `git ended with ${code}`)));
  });
}

/** Starts a process that outlives hang-ups and polite signals, to see whether a kill finds it. Returns its pid. */
export function spawnStubborn(): number | undefined {
  const child = spawn("/bin/sh", ["-c", "trap '' HUP TERM; exec sleep 3600"], { detached: true, stdio: "ignore" });
  child.on("error", () => {});
  child.unref();
  return child.pid;
}
