import { fileURLToPath } from "node:url";
import { hookReader, reporter, toolQuestion } from "../../../src/agents/hooks.js";
import type { StatusReading } from "../../../src/model/index.js";
import type { AgentAdapter } from "../../../src/ports/index.js";

const PROGRAM = fileURLToPath(new URL("./hooked-program.mjs", import.meta.url));
const KINDS = ["SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop"];

/** An adapter for a program with hooks, whose screen says what it does as well. `resumed` gets the conversations it was resumed in. */
export function hooked(manner: string, log: string, resumed: (string | null)[] = []): AgentAdapter {
  const hooks = JSON.stringify(Object.fromEntries(KINDS.map((kind) => [kind, reporter(kind)])));
  const argv: readonly [string, ...string[]] = [process.execPath, PROGRAM, hooks];
  return {
    name: "hooked",
    title: "A program with hooks",
    program: process.execPath,
    launch: () => ({ argv, promptVia: "none", env: { HOOKED_MANNER: manner, HOOKED_LOG: log }, files: { "settings.json": "{}" } }),
    resume({ conversation }) {
      resumed.push(conversation);
      return { argv, promptVia: "none", env: { HOOKED_MANNER: manner, HOOKED_LOG: log } };
    },
    read({ screen }): StatusReading | null {
      const shown = screen?.lines.findLast((line) => /^\[(idle|working)\]$/.test(line))?.slice(1, -1);
      return shown === "idle" || shown === "working" ? { status: shown, source: "screen" } : null;
    },
    ready: ({ screen }) => screen?.lines.includes("[idle]") === true,
    typed: (prompt) => ({ paste: prompt, taken: prompt }),
    reports: hookReader({
      events: { SessionStart: null, UserPromptSubmit: "working", PermissionRequest: "waiting", Stop: "idle" },
      prompt: { kind: "UserPromptSubmit", field: "prompt" },
      conversation: "session_id",
      question: toolQuestion,
      silent: ["working>idle", "waiting>idle"],
      announces: "SessionStart",
    }),
  };
}
