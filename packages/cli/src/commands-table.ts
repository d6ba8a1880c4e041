import type { Command } from "@oclif/core";

/** A command's class, as the table, help and completion see it. */
export type CommandClass = typeof Command;

export interface Entry {
  readonly name: string;
  /** Heading of the list that `fleet --help` shows it under. */
  readonly group: string;
  load(): Promise<CommandClass>;
}

const entry = (group: string, name: string, load: () => Promise<unknown>): Entry => ({ name, group, load: load as Entry["load"] });

/** Every command, in the order of help and documentation. Each file is loaded when its command is run. */
export const COMMANDS: readonly Entry[] = [
  entry("Start agents", "create", async () => (await import("./commands/create.js")).Create),
  entry("Start agents", "fanout", async () => (await import("./commands/fanout.js")).Fanout),
  entry("Start agents", "multi", async () => (await import("./commands/multi.js")).Multi),
  entry("Start agents", "pool", async () => (await import("./commands/pool.js")).Pool),
  entry("Work with agents", "list", async () => (await import("./commands/list.js")).List),
  entry("Work with agents", "prompt", async () => (await import("./commands/prompt.js")).Prompt),
  entry("Work with agents", "queue", async () => (await import("./commands/queue.js")).Queue),
  entry("Work with agents", "answer", async () => (await import("./commands/answer.js")).Answer),
  entry("Work with agents", "attach", async () => (await import("./commands/attach.js")).Attach),
  entry("Work with agents", "logs", async () => (await import("./commands/logs.js")).Logs),
  entry("Work with agents", "wait", async () => (await import("./commands/wait.js")).Wait),
  entry("Work with agents", "diff", async () => (await import("./commands/diff.js")).Diff),
  entry("Work with agents", "exec", async () => (await import("./commands/exec.js")).Exec),
  entry("Work with agents", "path", async () => (await import("./commands/path.js")).Path),
  entry("End agents", "stop", async () => (await import("./commands/stop.js")).Stop),
  entry("End agents", "resume", async () => (await import("./commands/resume.js")).Resume),
  entry("End agents", "kill", async () => (await import("./commands/kill.js")).Kill),
  entry("End agents", "restore", async () => (await import("./commands/restore.js")).Restore),
  entry("End agents", "trash", async () => (await import("./commands/trash.js")).Trash),
  entry("Set up", "init", async () => (await import("./commands/init.js")).Init),
  entry("Set up", "config", async () => (await import("./commands/config.js")).Config),
  entry("Set up", "trust", async () => (await import("./commands/trust.js")).Trust),
  entry("Set up", "agents", async () => (await import("./commands/agents.js")).Agents),
  entry("Set up", "doctor", async () => (await import("./commands/doctor.js")).Doctor),
  entry("Set up", "completion", async () => (await import("./commands/completion.js")).Completion),
];

export function findCommand(name: string | undefined): Entry | undefined {
  return COMMANDS.find((command) => command.name === name);
}
