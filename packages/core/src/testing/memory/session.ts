import { FleetError, throwIfAborted } from "../../errors/index.js";
import type { Key, Session } from "../../model/index.js";
import type { Call, HostFiles, KeyReceipt, SessionDriver, SessionResult, SessionSpec } from "../../ports/index.js";
import type { MemoryProcesses } from "./process.js";
import { Signal } from "./signal.js";
import { MemoryTerminal } from "./terminal.js";

/** What each key types at a program in memory. */
const TYPED: Readonly<Record<Exclude<Key, "C-c">, string>> = {
  Enter: "\n",
  Escape: "\u001b",
  Tab: "\t",
  Up: "\u001b[A",
  Down: "\u001b[B",
  Right: "\u001b[C",
  Left: "\u001b[D",
  y: "y",
  n: "n",
};

export { MemoryTerminal } from "./terminal.js";

/** A program as a function: reads lines, prints, and ends with the code it returns (0 for none). A throw ends it with 1. */
export type MemoryProgram = (terminal: MemoryTerminal) => number | undefined | Promise<number | undefined>;

/** What {@link memorySessions} takes. */
export interface MemorySessionOptions {
  /** By the last part of `argv[0]`; a name that is missing ends with 127, as a shell would. */
  readonly programs: Readonly<Record<string, MemoryProgram>>;
  /** Whether a folder is there. @default every one is */
  readonly hasFolder?: (path: string) => boolean | Promise<boolean>;
  /** Where logs go. @default nowhere but to `logs` */
  readonly files?: Pick<HostFiles, "append">;
  /** Where the programs show as processes; ending one there ends its program with 143. @default nowhere */
  readonly processes?: MemoryProcesses;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** A {@link SessionDriver} whose programs are functions. */
export interface MemorySessions extends SessionDriver {
  /** Types at an agent's terminal as a person would, at an open question as well; a newline submits. Throws if no program of that id runs. */
  type(agent: string, text: string): void;
  /** Everything printed, by log file. */
  readonly logs: ReadonlyMap<string, string>;
  /** Ends everything at once, as a reboot or a killed server does. */
  crash(): void;
}

/** Sessions without a machine: programs are functions. They end with this process. */
export function memorySessions(options: MemorySessionOptions): MemorySessions {
  const now = options.now ?? Date.now;
  const terminals = new Map<string, MemoryTerminal>();
  const logs = new Map<string, string>();
  /** Terminals that were given a text and no Enter yet. */
  const unsent = new Set<string>();
  const changed = new Signal();
  let counter = 0;

  const log = (spec: SessionSpec, text: string) => {
    logs.set(spec.logFile, (logs.get(spec.logFile) ?? "") + text);
    // As on a real terminal, a log that cannot be written does not stop the program.
    options.files?.append(spec.logFile, text).catch(() => undefined);
    changed.fire();
  };

  const open = (spec: SessionSpec): MemoryTerminal => {
    const { processes } = options;
    const process = processes?.spawn({
      argv: spec.argv,
      env: spec.env,
      bytesRead: () => terminal.bytesRead,
      onEnd: () => terminal.finish(143),
    });
    const pid = process?.pid ?? 100_000 + counter;
    processes?.setForeground(pid, pid);
    const terminal: MemoryTerminal = new MemoryTerminal(`%${counter}`, pid, spec, now, {
      log: (text) => log(spec, text),
      changed: () => changed.fire(),
      ended() {
        processes?.exit(pid);
        changed.fire();
      },
    });
    return terminal;
  };

  const start = async (spec: SessionSpec): Promise<Session> => {
    if (!/^[A-Za-z0-9_-]+$/.test(spec.name)) throw new FleetError("DRIVER_FAILED", `${spec.name} is no name for a session.`);
    if (!/^[A-Za-z0-9]+$/.test(spec.agent)) throw new FleetError("DRIVER_FAILED", `${spec.agent} is no id of an agent.`);
    if ([...terminals.values()].some((other) => other.spec.name === spec.name))
      throw new FleetError("DRIVER_FAILED", `duplicate session: ${spec.name}`);
    if (options.hasFolder && !(await options.hasFolder(spec.cwd)))
      throw new FleetError("DRIVER_FAILED", `The folder ${spec.cwd} is not there.`);
    counter++;
    const terminal = open(spec);
    terminals.set(terminal.id, terminal);
    const program = options.programs[spec.argv[0].slice(spec.argv[0].lastIndexOf("/") + 1)] ?? (() => 127);
    void run(program, terminal).then(() => changed.fire());
    // A program that ends at once has ended by now.
    await Promise.resolve();
    changed.fire();
    return terminal.session();
  };

  const type = (id: string, agent: string, act: (terminal: MemoryTerminal) => void): KeyReceipt => {
    const terminal = terminals.get(id);
    if (terminal === undefined || terminal.spec.agent !== agent) return "missing";
    if (terminal.dead) return "dead";
    act(terminal);
    return "sent";
  };

  const remove = (terminal: MemoryTerminal) => {
    terminals.delete(terminal.id);
    terminal.finish(129);
    changed.fire();
  };

  return {
    logs,
    capabilities: { attach: false, survivesUs: false },
    address: "memory",
    crash() {
      for (const terminal of [...terminals.values()]) remove(terminal);
    },
    type(agent, text) {
      const terminal = [...terminals.values()].find(({ spec, dead }) => spec.agent === agent && !dead);
      if (terminal === undefined) throw new FleetError("AGENT_NOT_FOUND", `No program of the agent ${agent} runs.`);
      terminal.receive(text, false);
    },
    version: async () => "1.0",
    async *create(specs, call): AsyncIterable<SessionResult> {
      throwIfAborted(call?.signal);
      for (const spec of specs) {
        throwIfAborted(call?.signal);
        let result: SessionResult;
        try {
          result = { agent: spec.agent, ok: true, session: await start(spec) };
        } catch (error) {
          result = { agent: spec.agent, ok: false, error: error as Error };
        }
        yield result;
      }
    },
    async list(call) {
      throwIfAborted(call?.signal);
      return [...terminals.values()].map((terminal) => terminal.session());
    },
    async screens(ids, { history = 0 } = {}, call) {
      throwIfAborted(call?.signal);
      return new Map(
        ids.flatMap((id) => {
          const terminal = terminals.get(id);
          return terminal ? [[id, terminal.screen(history)] as const] : [];
        }),
      );
    },
    async inputMode(session) {
      const raw = terminals.get(session.id)?.bracketedPaste ?? null;
      return { bracketedPaste: raw, canonical: raw === null ? null : !raw };
    },
    async paste(session, agent, text, call) {
      throwIfAborted(call?.signal);
      const { id } = session;
      if (terminals.get(id)?.spec.agent === agent && unsent.has(id)) return "held";
      return type(id, agent, (terminal) => {
        if (text !== "") unsent.add(id);
        terminal.receive(text, true);
      });
    },
    async submit(session, agent, call) {
      throwIfAborted(call?.signal);
      const typed = await type(session.id, agent, (terminal) => {
        unsent.delete(session.id);
        terminal.receive(TYPED.Enter, false);
        changed.fire();
      });
      // What a program does at once on an Enter it has done when the caller goes on, as on a machine, where an answer takes a while.
      await new Promise((resolve) => setImmediate(resolve));
      return typed;
    },
    async press(session, agent, keys, call) {
      throwIfAborted(call?.signal);
      return type(session.id, agent, (terminal) => {
        for (const key of [keys].flat()) {
          if (key === "C-c") terminal.finish(130);
          else terminal.receive(TYPED[key], false);
        }
        changed.fire();
      });
    },
    async end(agents, call) {
      throwIfAborted(call?.signal);
      for (const terminal of [...terminals.values()]) if (agents.includes(terminal.spec.agent)) remove(terminal);
    },
    async *changes(call?: Call) {
      yield* changed.each(call?.signal);
    },
    async attachCommand() {
      throw new FleetError("DRIVER_FAILED", "Sessions in memory cannot be attached to.");
    },
    async tidy() {},
  };
}

async function run(program: MemoryProgram, terminal: MemoryTerminal): Promise<void> {
  try {
    terminal.finish((await program(terminal)) ?? 0);
  } catch (error) {
    if (!terminal.dead) terminal.print(`${String(error)}\n`);
    terminal.finish(1);
  }
}
