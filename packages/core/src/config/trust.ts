import { readFileSync } from "node:fs";
import { FleetError, toFleetError } from "../errors/index.js";
import type { Locks } from "../ports/index.js";
import { makePrivateFolder, writeDurably } from "./durable.js";
import type { HomePaths } from "./paths.js";
import type { TrustedProject } from "./types.js";

/** The project files a user has said yes to, each as it was then. */
export interface Trust {
  list(): Promise<readonly TrustedProject[]>;
  /** Trusts the file as long as its content has this SHA-256; replaces an older word on the same path. */
  add(path: string, hash: string): Promise<TrustedProject>;
  /** Whether there was anything to take back. */
  revoke(path: string): Promise<boolean>;
  isTrusted(path: string, hash: string): Promise<boolean>;
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
    isTrusted: async (path, hash) => isTrusted(paths, path, hash),
    add: (path, hash) =>
      change((entries) => {
        const entry: TrustedProject = { path, hash, trustedAt: new Date(now()).toISOString() };
        return { entries: [...entries.filter((other) => other.path !== path), entry], result: entry };
      }),
    revoke: (path) =>
      change((entries) => {
        const left = entries.filter((entry) => entry.path !== path);
        return { entries: left, result: left.length < entries.length };
      }),
  };
}

/** Whether the user trusted this very content at this path. */
export function isTrusted(paths: Pick<HomePaths, "trust">, path: string, hash: string): boolean {
  return readTrust(paths).some((entry) => entry.path === path && entry.hash === hash);
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
    if (version === 1 && Array.isArray(projects) && projects.every(isEntry)) return projects;
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
    typeof entry === "object" && entry !== null && [entry.path, entry.hash, entry.trustedAt].every((field) => typeof field === "string")
  );
}
