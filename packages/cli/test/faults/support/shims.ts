import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../../core/test/support/world.js";

export type Tool = "git" | "tmux";

/**
 * What a broken tool does instead of its work. `$real "$@"` is the work; what stands before it is done first.
 * Shell lines, run by a POSIX sh.
 */
export const FAULTS = {
  hangs: "exec sleep 100000",
  "hangs and ignores signals": "trap '' TERM INT HUP; while :; do sleep 1; done",
  "hangs in a child that holds its output": "sleep 100000 & wait",
  "hangs when it is done": '"$real" "$@" >/dev/null 2>&1; exec sleep 100000',
  "leaves a child at its output": "sleep 100000 & exit 0",
  "exits 1": "echo 'something is wrong here' >&2; exit 1",
  "exits 128": "echo 'fatal: something is wrong here' >&2; exit 128",
  "is killed": "kill -KILL $$",
  "does its work and fails": '"$real" "$@" >/dev/null 2>&1; echo "fatal: something is wrong here" >&2; exit 128',
  "does nothing and succeeds": "exit 0",
  "prints noise": "head -c 3000 /dev/urandom; exit 0",
  "prints megabytes": "head -c 5000000 /dev/zero | tr '\\0' x; exit 0",
  "is cut off": '"$real" "$@" | head -c 20; exit 0',
  "garbles its fields": '"$real" "$@" | tr "| \\0" "xxx"; exit 0',
  vanishes: 'rm -f -- "$0"; exec "$real" "$@"',
} as const;
export type Fault = keyof typeof FAULTS;

/** Names that a broken world still has: what fleet, the shims and the agents run. */
const TOOLS = "sh cat rm cp mv stty find du dd wc sleep head tail tr grep cut ps env true kill mkdir".split(" ");

export interface Shims {
  /** The PATH under which the tool is broken. */
  readonly path: string;
  /** The calls so far, their arguments on a line each. */
  calls(): string[];
}

export function realPlace(world: World, tool: string): string {
  const found = (world.env.PATH ?? "").split(":").find((folder) => existsSync(join(folder, tool)));
  if (found === undefined) throw new Error(`${tool} is not on PATH`);
  return join(found, tool);
}

/** Breaks one tool: at its call number `at` (0: at every one, -1: at every one but that for its version), or where its arguments hold `match`. */
export function breakTool(world: World, tool: Tool, fault: string, at: number, match: string | null = null): Shims {
  const bin = join(world.root, "shims");
  const tools = join(world.root, "tools");
  if (!existsSync(tools)) {
    mkdirSync(tools);
    for (const name of TOOLS) symlinkSync(realPlace(world, name), join(tools, name));
  }
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  const other = tool === "git" ? "tmux" : "git";
  symlinkSync(realPlace(world, other), join(bin, other));
  const calls = join(world.root, "calls");
  rmSync(calls, { force: true });
  const every = at === 0 ? "true" : `case "$1" in --version|-V) false ;; *) true ;; esac`;
  const hit = match === null ? (at <= 0 ? every : `[ "$n" -eq ${at} ]`) : `case "$*" in *${match}*) true ;; *) false ;; esac`;
  const script = [
    "#!/bin/sh",
    `real='${realPlace(world, tool)}'`,
    // One write for each call, so that calls at the same time are counted apart.
    `printf '%s %s\\n' "$$" "$(printf '%s' "$*" | tr '\\n' ' ')" >> '${calls}'`,
    `n=$(grep -n "^$$ " '${calls}' | tail -n 1 | cut -d: -f1)`,
    `if ${hit}; then`,
    `  ${fault}`,
    "fi",
    'exec "$real" "$@"',
    "",
  ].join("\n");
  world.write(join(bin, tool), script, 0o755);
  return {
    path: `${bin}:${tools}`,
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").split("\n").filter(Boolean) : []),
  };
}

/** Processes of the shims and of what they started that are still there. */
export function shimProcesses(world: World): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environ = readFileSync(`/proc/${pid}/environ`, "utf8");
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        // The tmux client's environment is scrubbed of the world's mark: its PATH names the shims all the same.
        const ours = environ.includes(`PATH=${world.root}/shims:`) && !environ.includes("AIFLEET_ID=");
        return ours && !line.startsWith("tmux") && !line.includes("fleet.js") ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}
