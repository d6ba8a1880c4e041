import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { ProcessDriver } from "../../src/ports/index.js";
import type { ProcessSubject, StartOptions } from "../../src/testing/contracts/process-driver.js";
import { type MemoryProcesses, memoryProcesses } from "../../src/testing/memory/process.js";

/** Real processes for the contract; `dispose` ends them. */
export function realSubject(processes: ProcessDriver, env: Record<string, string>): ProcessSubject & { dispose(): Promise<void> } {
  const started: ChildProcess[] = [];
  const pids: number[] = [];
  return {
    processes,
    async start({ marker, children = 0, ignoresTerm = false }: StartOptions = {}) {
      const script = [
        ignoresTerm ? "trap '' TERM" : ":",
        `for i in $(seq ${children}); do sleep 600 & echo $!; done`,
        "echo ready",
        // An ignored TERM is inherited through exec, so that the tree is one process either way.
        children > 0 ? "wait" : "exec sleep 600",
      ].join("; ");
      const child = spawn("/bin/sh", ["-c", script], {
        env: { ...env, ...(marker === undefined ? {} : { [marker[0]]: marker[1] }) },
        stdio: ["ignore", "pipe", "ignore"],
        detached: true,
      });
      started.push(child);
      let text = "";
      child.stdout.setEncoding("utf8");
      for await (const chunk of child.stdout) {
        text += chunk;
        if (text.includes("ready")) break;
      }
      const found = text
        .split("\n")
        .filter((line) => /^\d+$/.test(line))
        .map(Number);
      pids.push(child.pid as number, ...found);
      return { pid: child.pid as number, children: found };
    },
    async kill(pid) {
      const child = started.find((one) => one.pid === pid);
      const ended = child === undefined || child.exitCode !== null || child.signalCode !== null ? null : once(child, "exit");
      process.kill(pid, "SIGKILL");
      await ended;
    },
    async dispose() {
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // Ended by the test.
        }
      }
    },
  };
}

export function memorySubject(): ProcessSubject & { readonly processes: MemoryProcesses; dispose(): Promise<void> } {
  const processes = memoryProcesses();
  return {
    processes,
    async start({ marker, children = 0, ignoresTerm = false } = {}) {
      const env = marker === undefined ? {} : { [marker[0]]: marker[1] };
      const { pid } = processes.spawn({ env, ignoresTerm });
      return { pid, children: Array.from({ length: children }, () => processes.spawn({ parent: pid, env }).pid) };
    },
    async kill(pid) {
      processes.exit(pid);
    },
    dispose: async () => undefined,
  };
}
