import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { adapterRegistry } from "../../src/agents/registry.js";
import type { AgentAdapter } from "../../src/ports/index.js";
import { evidenceOf } from "./support/evidence.js";

const SCREENS = fileURLToPath(new URL("screens", import.meta.url));
const registry = adapterRegistry({ settings: {} });

interface Recorded {
  readonly name: string;
  readonly state: string;
  readonly title: string;
  readonly version: string | undefined;
  readonly question: string | undefined;
  readonly choices: string | undefined;
  readonly lines: readonly string[];
}

function recorded(agent: string): Recorded[] {
  return readdirSync(join(SCREENS, agent)).map((name) => {
    const lines = readFileSync(join(SCREENS, agent, name), "utf8").split("\n");
    const head = lines.filter((line) => line.startsWith("#! "));
    const value = (key: string) => head.find((line) => line.startsWith(`#! ${key} = `))?.slice(key.length + 6);
    return {
      name,
      state: name.split("-")[0] ?? "",
      title: value("title") ?? "",
      version: value("version"),
      question: value("question"),
      choices: value("choices"),
      lines: lines.slice(head.length),
    };
  });
}

const REAL = ["claude", "codex", "gemini", "opencode"];
/** The end of an earlier answer, as programs print them: indented. */
const QUOTED = [
  "While I work the screen says:",
  "✻ Thinking… (3s · esc to interrupt)",
  "• Working (3s • esc to interrupt)",
  "⠋ Thinking... (esc to cancel, 3s)",
  "■■⬝⬝⬝⬝  esc interrupt",
  "",
  "Do you want to proceed?",
  "❯ 1. Yes",
  "2. No",
  "",
  "Would you like to run the following command?",
  "› 1. Yes, proceed (y)",
  "2. No (esc)",
  "Press enter to confirm or esc to cancel",
  "",
  "Allow execution of [Shell]?",
  "● 1. Allow once",
  "2. No (esc)",
  "",
  "△ Permission required",
  "Allow once   Allow always   Reject",
  "",
  ">   Type your message or @path/to/file",
  "",
].map((line) => (line === "" ? "" : `  ${line}`));

function adapter(name: string): AgentAdapter {
  const found = registry.get(name);
  if (found === null) throw new Error(`No adapter ${name}`);
  return found;
}

const agents = readdirSync(SCREENS, { withFileTypes: true }).filter((entry) => entry.isDirectory());

it("has screens of every built-in agent", () => {
  expect(agents.map((entry) => entry.name).sort()).toEqual([...registry.names()]);
});

describe.each(agents.map((entry) => entry.name))("what %s shows", (agent) => {
  it.each(recorded(agent).map((screen) => [screen.name, screen] as const))("is read from %s", (_name, screen) => {
    // The lines of a terminal that is taller than the text, as a capture holds them.
    const evidence = evidenceOf([...screen.lines, "", ""], screen.title);
    const reading = adapter(agent).read(evidence);
    expect(reading?.status ?? "unknown").toBe(screen.state);
    expect(reading?.question).toBe(screen.question);
    if (screen.choices !== undefined) expect(reading?.choices?.map(({ label }) => label).join(" | ")).toBe(screen.choices);
    if (reading !== null) expect(reading.source).toBe("screen");
    if (screen.state === "waiting") expect(adapter(agent).ready(evidence)).toBe(false);
    if (screen.state === "idle") expect(adapter(agent).ready(evidence)).toBe(true);
    if (screen.state === "unknown") expect(adapter(agent).ready(evidence)).not.toBe(true);
  });

  it.runIf(REAL.includes(agent)).each(
    recorded(agent)
      .filter(({ state, version }) => state !== "unknown" && version !== undefined)
      .map((screen) => [screen.name, screen] as const),
  )("is read the same below an answer that quotes marks in %s", (_name, screen) => {
    const reading = adapter(agent).read(evidenceOf([...QUOTED, ...screen.lines, "", ""], screen.title));
    expect(reading?.status).toBe(screen.state);
    expect(reading?.question).toBe(screen.question);
  });

  it.each(
    recorded(agent)
      .filter(({ state }) => state === "idle" && adapter(agent).draft)
      .map((screen) => [screen.name, screen] as const),
  )("is told from a draft of a person's in %s", (name, screen) => {
    const drafted = /^idle-(draft|list-in-draft)/.test(name);
    expect(adapter(agent).draft?.(evidenceOf([...screen.lines, "", ""], screen.title)) ?? false).toBe(drafted);
  });

  it("is not read from an empty screen, nor from none", () => {
    for (const evidence of [evidenceOf(["", ""]), { ...evidenceOf([]), screen: null }]) {
      expect(adapter(agent).read(evidence)).toBeNull();
      expect(adapter(agent).ready(evidence)).not.toBe(true);
    }
  });
});
