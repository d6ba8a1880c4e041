import { join } from "node:path";
import { FleetError, throwIfAborted } from "../../errors/index.js";
import type { Host, HostFiles, RunOptions, RunResult } from "../../ports/index.js";
import { MemoryDisk } from "./disk.js";

/** A program that {@link Host.run} finds, as a function. What it leaves out of its answer is exit code 0 and no output. */
export type MemoryCommand = (run: {
  readonly argv: readonly string[];
  /** Folder it runs in. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
}) => Partial<RunResult> | Promise<Partial<RunResult>>;

/** What {@link memoryHost} takes. */
export interface MemoryHostOptions {
  /** Files to share with other drivers in memory. @default an empty disk */
  readonly disk?: MemoryDisk;
  /** By `argv[0]`; every other program is `TOOL_MISSING`. @default none */
  readonly commands?: Readonly<Record<string, MemoryCommand>>;
  /** @default `{ PATH: "/bin" }` */
  readonly env?: Readonly<Record<string, string>>;
}

/** A {@link Host} in memory, with what lies on its disk. */
export interface MemoryHost extends Host {
  readonly disk: MemoryDisk;
}

/** A machine in memory: files, and of programs only the given functions. */
export function memoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const { disk = new MemoryDisk(), commands = {}, env = { PATH: "/bin" } } = options;
  return {
    id: "memory",
    disk,
    env,
    files: memoryFiles(disk),
    async run(argv, run = {}, call = {}) {
      throwIfAborted(call.signal);
      const command = commands[argv[0]];
      if (command === undefined) throw missing(argv[0]);
      const cwd = run.cwd ?? "/";
      if (disk.list(cwd) === null) throw new FleetError("DRIVER_FAILED", `The folder ${cwd} is not there.`);
      const input = typeof run.input === "string" ? run.input : Buffer.from(run.input ?? []).toString("utf8");
      const result = {
        exitCode: 0,
        exitSignal: null,
        stdout: "",
        stderr: "",
        ...(await command({ argv, cwd, env: run.env ?? env, input })),
      };
      throwIfAborted(call.signal);
      return told(result, run);
    },
    async open(argv, _options, call = {}) {
      throwIfAborted(call.signal);
      throw missing(argv[0]);
    },
  };
}

function told(result: RunResult, { onOutput, keepBytes = Number.POSITIVE_INFINITY }: RunOptions): RunResult {
  if (result.stdout !== "") onOutput?.("stdout", result.stdout);
  if (result.stderr !== "") onOutput?.("stderr", result.stderr);
  const kept = (text: string) => (keepBytes >= text.length ? text : text.slice(text.length - keepBytes));
  return { ...result, stdout: kept(result.stdout), stderr: kept(result.stderr) };
}

function missing(tool: string): FleetError<"TOOL_MISSING"> {
  return new FleetError("TOOL_MISSING", `The program "${tool}" is not installed.`, { data: { tool } });
}

function memoryFiles(disk: MemoryDisk): HostFiles {
  return {
    read: async (path) => disk.readText(path),
    readMany: async (paths) =>
      paths.map((path) => {
        try {
          return disk.readText(path);
        } catch {
          return null;
        }
      }),
    listMany: async (paths) =>
      paths.map((path) => {
        try {
          return disk.list(path)?.map((name) => ({ name, modifiedAt: disk.entry(join(path, name))?.modifiedAt ?? 0 })) ?? null;
        } catch {
          return null;
        }
      }),
    async readRange(path, offset, bytes) {
      const all = disk.read(path);
      if (all === null) return null;
      const from = offset < 0 ? Math.max(0, all.length + offset) : offset;
      return all.slice(from, from + bytes);
    },
    async readWithin(root, path) {
      const real = disk.realPath(path);
      return real?.startsWith(`${root}/`) && disk.entry(real)?.kind === "file" ? disk.read(real) : null;
    },
    write: async (path, content, mode) => disk.write(path, content, mode),
    append: async (path, content) => disk.append(path, content),
    async stat(path) {
      const entry = disk.entry(path);
      if (entry === null) return null;
      const { kind, mode, modifiedAt } = entry;
      return { kind, mode, modifiedAt, size: kind === "file" ? entry.bytes.length : 0, owner: null };
    },
    list: async (path) => disk.list(path),
    makeFolder: async (path, mode) => disk.makeFolder(path, mode),
    rename: async (from, to) => disk.rename(from, to),
    remove: async (path) => disk.remove(path),
    removeTree: async (path) => disk.removeTree(path),
    realPath: async (path) => disk.realPath(path),
    setTime: async (path, modifiedAt) => disk.setTime(path, modifiedAt),
    setMode: async (path, mode) => disk.setMode(path, mode),
  };
}
