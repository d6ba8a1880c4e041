import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TmuxSettings, tmuxDriver } from "../../src/drivers/session/tmux.js";
import { localHost } from "../../src/host/local.js";
import type { SessionDriver, SessionSpec } from "../../src/ports/index.js";
import type { SessionSubject, StockProgram } from "../../src/testing/contracts/session-driver.js";
import { type MemoryProgram, memorySessions } from "../../src/testing/memory/session.js";
import type { World } from "../support/world.js";

const SETTINGS: TmuxSettings = { historyLimit: 5000, detachKey: "C-q", include: null, logMaxBytes: 1_000_000 };

/** A tmux driver of a world, with its files under `home`. */
export function tmuxIn(world: World, settings: Partial<TmuxSettings> = {}, home = world.fleetHome, name = "tmux.sock"): SessionDriver {
  const socket = join(world.root, name);
  const host = localHost({ env: world.env });
  return tmuxDriver({
    host,
    socket,
    confFile: join(home, "tmux.conf"),
    runFolder: join(home, "run"),
    settings: { ...SETTINGS, ...settings },
  });
}

let counter = 0;

/** Specs with ids, names and logs of their own. */
export function specs(world: World, home = world.fleetHome) {
  const cwd = join(home, "work");
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  return (argv: SessionSpec["argv"], change: Partial<SessionSpec> = {}): SessionSpec => {
    const agent = `a${(counter++).toString(36)}x`;
    return { agent, name: `ai_test_${agent}`, cwd, argv, env: world.env, logFile: join(home, "logs", `${agent}.log`), ...change };
  };
}

const READ_LINES = 'echo ready; while IFS= read -r l; do [ "$l" = bye ] && exit 0; printf "got:%s\\n" "$l"; done';

function shellProgram(program: StockProgram): SessionSpec["argv"] {
  const sh = (script: string, ...args: string[]): SessionSpec["argv"] => ["/bin/sh", "-c", script, "sh", ...args];
  switch (program.kind) {
    case "echo":
      return sh(READ_LINES);
    case "exit":
      return sh('printf "%s\\n" "$1"; exit "$2"', program.text, String(program.code));
    case "args":
      return sh('printf "[%s]\\n" "$@"; exec sleep 600', ...program.args);
    case "env":
      return sh(
        'for n; do if v=$(printenv "$n"); then printf "%s=%s\\n" "$n" "$v"; else echo "$n unset"; fi; done; exec sleep 600',
        ...program.names,
      );
    case "lines":
      return sh('i=0; while [ $i -lt "$1" ]; do i=$((i+1)); echo "line $i"; done; exec sleep 600', String(program.count));
  }
}

export function tmuxSubject(world: World): SessionSubject {
  const make = specs(world);
  return {
    driver: tmuxIn(world),
    spec: (program, change) => make(shellProgram(program), change),
    readLog: async (path) => readFileSync(path, "utf8"),
  };
}

const forever = (signal: AbortSignal) => new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));

const PROGRAMS: Record<string, MemoryProgram> = {
  async echo(terminal) {
    terminal.print("ready\n");
    for await (const line of terminal.lines()) {
      if (line === "bye") return 0;
      terminal.print(`got:${line}\n`);
    }
    return undefined;
  },
  exit(terminal) {
    terminal.print(`${terminal.argv[1]}\n`);
    return Number(terminal.argv[2]);
  },
  args(terminal) {
    for (const argument of terminal.argv.slice(1)) terminal.print(`[${argument}]\n`);
    return forever(terminal.signal);
  },
  env(terminal) {
    for (const name of terminal.argv.slice(1)) terminal.print(name in terminal.env ? `${name}=${terminal.env[name]}\n` : `${name} unset\n`);
    return forever(terminal.signal);
  },
  lines(terminal) {
    for (let i = 1; i <= Number(terminal.argv[1]); i++) terminal.print(`line ${i}\n`);
    return forever(terminal.signal);
  },
};

export function memorySubject(): SessionSubject {
  const driver = memorySessions({ programs: PROGRAMS, hasFolder: (path) => path !== "/no/such/folder" });
  return {
    driver,
    spec(program, change = {}) {
      const args = { echo: [], exit: [], args: [], env: [], lines: [] } as Record<string, string[]>;
      if (program.kind === "exit") args.exit = [program.text, String(program.code)];
      if (program.kind === "args") args.args = [...program.args];
      if (program.kind === "env") args.env = [...program.names];
      if (program.kind === "lines") args.lines = [String(program.count)];
      const agent = `a${(counter++).toString(36)}x`;
      const argv: SessionSpec["argv"] = [program.kind, ...(args[program.kind] ?? [])];
      return { agent, name: `ai_${agent}`, cwd: "/folder", argv, env: {}, logFile: `/logs/${agent}`, ...change };
    },
    readLog: async (path) => driver.logs.get(path) ?? "",
  };
}
