import { dirname, isAbsolute, join } from "node:path";
import type { Host } from "../ports/index.js";

/** Makes sure that the programs a driver runs are new enough, at the price of a process only when one has changed. */
export interface ToolChecks {
  /** `look` asks the program for its version and throws where it is not fit for use; it is not called for one that passed before. */
  check(tool: string, look: () => Promise<unknown>): Promise<void>;
}

/**
 * What passed is noted in `file` by the program's place, size and time, where the folder for it is there
 * already.
 */
export function toolChecks(host: Host, file: string): ToolChecks {
  const asked = new Map<string, Promise<void>>();
  /** Passed and not noted yet: before the first agent there is no folder to note it in. */
  const passed = new Map<string, string>();
  let noting: Promise<void> | null = null;

  const run = async (tool: string, look: () => Promise<unknown>): Promise<void> => {
    const [build, noted] = await Promise.all([buildOf(host, tool), readNotes(host, file)]);
    if (build !== null && noted[tool] === build) return;
    await look();
    if (build !== null) passed.set(tool, build);
  };

  const note = async (): Promise<void> => {
    if ((await host.files.stat(dirname(file)).catch(() => null)) === null) return;
    const news = Object.fromEntries(passed);
    passed.clear();
    // Without the note the next command asks again, that is all.
    await host.files.write(file, `${JSON.stringify({ ...(await readNotes(host, file)), ...news })}\n`).catch(() => undefined);
  };

  return {
    async check(tool, look) {
      const known = asked.get(tool) ?? run(tool, look);
      asked.set(tool, known);
      // One that is mended while we run is asked again.
      known.catch(() => asked.delete(tool));
      await known;
      if (passed.size === 0) return;
      noting ??= note().finally(() => {
        noting = null;
      });
      await noting;
    },
  };
}

/** What tells one build of a program from another; null where it is not found. */
async function buildOf({ env, files }: Host, tool: string): Promise<string | null> {
  for (const folder of (env.PATH ?? "").split(":")) {
    if (!isAbsolute(folder)) continue;
    const place = await files.realPath(join(folder, tool)).catch(() => null);
    const stat = place === null ? null : await files.stat(place).catch(() => null);
    if (stat?.kind === "file" && (stat.mode & 0o111) !== 0) return `${place} ${stat.size} ${stat.modifiedAt}`;
  }
  return null;
}

async function readNotes(host: Host, file: string): Promise<Record<string, unknown>> {
  const [text] = await host.files.readMany([file]);
  try {
    const notes: unknown = JSON.parse(text ?? "{}");
    return typeof notes === "object" && notes !== null ? { ...notes } : {};
  } catch {
    return {};
  }
}
