import type { Task } from "@aifleet/core";
import { usage } from "../failure.js";

const KEYS = ["branch", "prompt", "agent", "from", "template"];

/** `BRANCH:PROMPT`, split at the first colon. */
export function taskOfArgument(argument: string): Task {
  const at = argument.indexOf(":");
  if (at === -1) throw usage(`"${argument}" has no ":" between branch and prompt.`, 'Write it as BRANCH:"PROMPT".', { task: argument });
  return checked({ branch: argument.slice(0, at), prompt: argument.slice(at + 1) }, `"${argument}"`);
}

/** The tasks of a file: `[[task]]` in TOML, or a JSON array. What begins with `[` or `{` and parses as JSON is JSON. */
export async function tasksOfText(text: string, name: string): Promise<Task[]> {
  const json = name.endsWith(".json") || (!name.endsWith(".toml") && /^\s*(\[\s*(\{|\])|\{)/.test(text));
  const found = json ? fromJson(text, name) : await fromToml(text, name);
  return found.map((entry, index) => taskOf(entry, `${name}, task ${index + 1}`));
}

/** Refuses what would make two agents of one branch, before anything is made. */
export function refuseDuplicates(tasks: readonly Task[]): void {
  const seen = new Set<string>();
  for (const { branch } of tasks) {
    if (seen.has(branch)) throw usage(`The branch ${branch} is named twice.`, "Give each task a branch of its own.", { branch });
    seen.add(branch);
  }
}

function fromJson(text: string, name: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usage(`${name} is no valid JSON: ${(error as Error).message}`, null, { file: name });
  }
  if (!Array.isArray(value)) throw usage(`${name} must hold a JSON array of tasks.`, null, { file: name });
  return value;
}

async function fromToml(text: string, name: string): Promise<unknown[]> {
  const { default: toml } = await import("toml");
  let value: { task?: unknown };
  try {
    value = toml.parse(text) as { task?: unknown };
  } catch (error) {
    const { location, message } = error as Error & { location?: { start: { line: number } } };
    const line = location?.start.line;
    throw usage(`${name}${line === undefined ? "" : `, line ${line}`} is no valid TOML: ${message}`, null, { file: name, line });
  }
  const other = Object.keys(value).find((key) => key !== "task");
  if (other !== undefined)
    throw usage(`${name} has the unknown key ${other}.`, "Tasks are written as [[task]].", { file: name, key: other });
  if (!Array.isArray(value.task)) throw usage(`${name} has no [[task]].`, null, { file: name });
  return value.task;
}

function taskOf(entry: unknown, where: string): Task {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) throw usage(`${where} is no table of keys.`);
  const fields = entry as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    if (!KEYS.includes(key)) throw usage(`${where} has the unknown key ${key}.`, `The keys are ${KEYS.join(", ")}.`, { key });
    if (typeof value !== "string") throw usage(`${where}: ${key} must be text.`, null, { key });
  }
  const { branch, prompt, agent, from, template } = fields as Record<string, string | undefined>;
  if (branch === undefined) throw usage(`${where} has no branch.`);
  return checked({ branch, prompt: prompt ?? "", adapter: agent, from, template }, where);
}

function checked(task: Task, where: string): Task {
  if (task.branch.trim() === "") throw usage(`${where} names no branch.`, 'Write it as BRANCH:"PROMPT".');
  if (task.prompt.trim() === "") throw usage(`${where}: the prompt of ${task.branch} is empty.`, null, { branch: task.branch });
  return task;
}
