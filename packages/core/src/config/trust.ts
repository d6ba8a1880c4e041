import { readFileSync, statSync } from "node:fs";
import { FleetError, toFleetError } from "../errors/index.js";
import type { Locks } from "../ports/index.js";
import { makePrivateFolder, writeDurably } from "./durable.js";
import type { HomePaths } from "./paths.js";
import type { TrustedProject } from "./types.js";

/** The project files a user has said yes to, each as it was then. */
export interface Trust {
  list(): Promise<readonly TrustedProject[]>;
  /** Trusts the file as long as its content has this SHA-256 and `repo` lies there; replaces an older word on the same path. */
  add(path: string, hash: string, repo?: string): Promise<TrustedProject>;
  /** Whether there was anything to take back. */
  revoke(path: string): Promise<boolean>;
  isTrusted(path: string, hash: string, repo?: string): Promise<boolean>;
}

/** Trust in trust.json. What the user decided is never overwritten by a guess: a broken file is `STATE_UNREADABLE`. */
export function fileTrust(options: {
  readonly paths: Pick<HomePaths, "home" | "trust">;
  readonly locks: Locks;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}): Trust {
  const { paths, locks, now = Date.now } = options;
  const change = <T>(edit: (entries: TrustedProject[]) => { entries: TrustedProject[]; result: T }): Promise<T> => {
    makePrivateFolder(paths.home);
    return locks.hold(paths.trust, async () => {
      const before = readTrust(paths);
      const { entries, result } = edit([...before]);
      if (JSON.stringify(entries) !== JSON.stringify(before)) {
        writeDurably(paths.trust, `${JSON.stringify({ version: 1, projects: entries }, null, 2)}\n`);
      }
      return result;
    });
  };
  return {
    list: async () => readTrust(paths),
    isTrusted: async (path, hash, repo) => isTrusted(paths, path, hash, repo),
    add: (path, hash, repo = "") =>
      change((entries) => {
        const entry: TrustedProject = { path, hash, repo, trustedAt: new Date(now()).toISOString() };
        return { entries: [...entries.filter((other) => other.path !== path), entry], result: entry };
      }),
    revoke: (path) =>
      change((entries) => {
        const left = entries.filter((entry) => entry.path !== path);
        return { entries: left, result: left.length < entries.length };
      }),
  };
}

/** Whether the user trusted this very content at this path, in this repository. */
export function isTrusted(paths: Pick<HomePaths, "trust">, path: string, hash: string, repo = ""): boolean {
  return readTrust(paths).some((entry) => entry.path === path && entry.hash === hash && entry.repo === repo);
}

/**
 * What tells the repository at a path from another that is put in its place: the number of its git
 * directory and when that was made, since a disk gives numbers out again. Empty where it cannot be asked.
 */
export function repositoryMark(commonDir: string): string {
  try {
    const { ino, birthtimeNs, ctimeNs } = statSync(commonDir, { bigint: true });
    // A disk that does not keep the time of birth answers with the last change instead, which changes.
    return birthtimeNs === ctimeNs ? `${ino}` : `${ino}-${birthtimeNs}`;
  } catch {
    return "";
  }
}

function readTrust(paths: Pick<HomePaths, "trust">): readonly TrustedProject[] {
  let text: string;
  try {
    text = readFileSync(paths.trust, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw toFleetError(error, `Cannot read ${paths.trust}`);
  }
  try {
    const { version, projects } = JSON.parse(text) as { version?: unknown; projects?: unknown };
    if (version === 1 && Array.isArray(projects) && projects.every(isEntry))
      return projects.map((entry) => ({ ...entry, repo: entry.repo ?? "" }));
  } catch {
    // Said below, as for any other content that is not ours.
  }
  throw new FleetError("STATE_UNREADABLE", `${paths.trust} is broken or was written by a newer version; it was left as it is.`, {
    hint: `Move ${paths.trust} aside and run \`fleet trust\` again in each project.`,
  });
}

function isEntry(value: unknown): value is TrustedProject {
  const entry = value as Partial<Record<keyof TrustedProject, unknown>> | null;
  return (
    typeof entry === "object" &&
    entry !== null &&
    [entry.path, entry.hash, entry.repo ?? "", entry.trustedAt].every((field) => typeof field === "string")
  );
}
