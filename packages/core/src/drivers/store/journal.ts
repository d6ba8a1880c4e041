import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePrivateFolder, removeQuietly } from "../../config/durable.js";
import { toFleetError } from "../../errors/index.js";
import { RUN_MARK, token } from "../../host/index.js";
import type { ProcessIdentity } from "../../model/index.js";
import type { Journal, Step, Unfinished } from "../../ports/index.js";

const ENDING = ".jsonl";

/**
 * Transactions under way, one file each: a first line that names the maker, then one line a step,
 * each handed to the kernel before the step happens, so that it outlives a killed maker.
 */
export function fileJournal(folder: string): Journal {
  const fileOf = (id: string): string => join(folder, `${id}${ENDING}`);
  return {
    async begin(maker) {
      const id = `${Date.now().toString(36)}-${token()}`;
      const file = fileOf(id);
      guarded(`Cannot write ${file}`, () => {
        makePrivateFolder(folder);
        // Renamed into place, so that a file that is seen always names its maker.
        const unnamed = join(folder, `.tmp-${process.pid}-${id}`);
        const header = { maker: { pid: maker.pid, start: maker.start, boot: maker.boot }, run: RUN_MARK.value };
        try {
          writeFileSync(unnamed, `${JSON.stringify(header)}\n`, { mode: 0o600, flag: "wx" });
          renameSync(unnamed, file);
        } catch (error) {
          removeQuietly(unnamed);
          throw error;
        }
      });
      return {
        async did(step) {
          // The break comes first as well: half a line that a full disk left must not swallow this one.
          guarded(`Cannot write ${file}`, () => appendFileSync(file, `\n${JSON.stringify(step)}\n`, { mode: 0o600 }));
        },
        async close() {
          guarded(`Cannot remove ${file}`, () => rmSync(file, { force: true }));
        },
      };
    },
    async pending() {
      const names = guarded(`Cannot read ${folder}`, () => namesIn(folder));
      return names.flatMap((name) => {
        const id = name.slice(0, -ENDING.length);
        return guarded(`Cannot read ${name}`, () => readEntry(fileOf(id), id)) ?? [];
      });
    },
    async forget(id) {
      if (!/^[a-z0-9-]+$/.test(id)) return;
      guarded(`Cannot remove ${fileOf(id)}`, () => rmSync(fileOf(id), { force: true }));
    },
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ENDING))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** One transaction; null if its file is gone or nobody can be read out of it. */
function readEntry(file: string, id: string): Unfinished | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const [header, ...lines] = text.split("\n").filter((line) => line !== "");
  const { maker, run } = parse<{ maker?: ProcessIdentity; run?: string }>(header ?? "") ?? {};
  if (maker === undefined || typeof maker.pid !== "number") return null;
  // A torn line is a step that was being noted and so had not begun.
  const steps = lines.flatMap((line) => parse<Step>(line) ?? []).filter((step) => typeof step.kind === "string");
  return { id, maker, run: run ?? null, begunAt: Number.parseInt(id, 36), steps };
}

function parse<T>(line: string): T | null {
  try {
    return JSON.parse(line) as T;
  } catch {
    return null;
  }
}

function guarded<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toFleetError(error, doing);
  }
}
