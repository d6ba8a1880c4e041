import type { Choice, StatusReading } from "../model/index.js";
import type { AgentAdapter, Evidence } from "../ports/index.js";
import { commandOf, promptOf, withPaste } from "./launch.js";
import { IDLE, lastTexts, visibleLines, WORKING, waiting } from "./screen.js";

/** Aider: has no argument for a first prompt that stays interactive (`--message` ends the program), so it is pasted. */
export const aider: AgentAdapter = {
  name: "aider",
  title: "Aider",
  program: "aider",
  versionArgs: ["--version"],
  launch: (context) => withPaste(commandOf(context, ["aider"]), promptOf(context)),
  resume: (context) => withPaste([...commandOf(context, ["aider"]), "--restore-chat-history"], promptOf(context)),
  read: (evidence) => look(evidence),
  ready(evidence) {
    const reading = look(evidence);
    return reading === null ? null : reading.status === "idle";
  },
};

/** `> `, or the chat mode before it: `ask> `, `architect multi> `. */
const INPUT = /^([a-z]+(-[a-z]+)*( multi)?|multi)?>$/;
const CONFIRM = /(\S.*\?) \(Y\)es\/\(N\)o.*\[(Yes|No)\]:( \S*)?$/;
const SPINNER = /^\S{1,4}\s+(Waiting for|Thinking|Updating repo map)/;
const CONFIRM_ROWS = 4;
const CHOICES: readonly Choice[] = [
  { label: "Yes", keys: ["y", "Enter"] },
  { label: "No", keys: ["n", "Enter"] },
];

function look(evidence: Evidence): StatusReading | null {
  if (evidence.screen === null) return null;
  const lines = visibleLines(evidence.screen);
  const last = lines.at(-1) ?? "";
  if (INPUT.test(last)) return IDLE;
  if (SPINNER.test(last)) return WORKING;
  // A narrow screen wraps the question.
  const rows = lastTexts(lines, CONFIRM_ROWS);
  for (let count = 1; count <= rows.length; count++) {
    const found = CONFIRM.exec(rows.slice(-count).join(" ").replace(/\s+/g, " "));
    if (found !== null) return waiting(found[1] ?? null, CHOICES);
  }
  return null;
}
