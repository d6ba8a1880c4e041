// How the laboratory starts each program, and by what it sees what the program does. These marks are the recorder's own:
// the adapters are tested on what is recorded, so they must not be asked what it shows.
import { chmodSync, writeFileSync } from "node:fs";
import { programOf } from "./cli.mjs";
import { HOME } from "./namespace.mjs";

/** Each event that a program reports, one JSON row. */
export const REPORTS = `${HOME}/reports.jsonl`;
const REPORTER = `${HOME}/reporter`;

const commandHooks = (events) =>
  Object.fromEntries(events.map((event) => [event, [{ hooks: [{ type: "command", command: `${REPORTER} ${event}`, name: event }] }]]));

export const PROGRAMS = {
  codex: {
    launch: (prompt) => ({
      argv: [programOf("codex"), "--no-daemon", "--no-alt-screen", "--dangerously-bypass-hook-trust", ...codexHooks(), ...prompt],
    }),
    readOnly: ["-s", "read-only", "-a", "on-request"],
    idle: (text) => /^› /m.test(text) && !/esc to interrupt|enter to confirm/i.test(text) && !/^[\u2800-\u28ff] /m.test(text),
    working: /esc to interrupt/,
    trust: /Trust this folder\?/,
    shell: /Would you like to run the following command\?/,
    edit: /Would you like to make the following edits\?/,
    escape: ["Escape"],
    yes: ["y"],
    questions: {
      trust: "Trust this folder?",
      shell: "Would you like to run the following command?",
      edit: "Would you like to make the following edits?",
    },
    choices: {},
  },
  opencode: {
    launch: (prompt) => ({
      argv: [programOf("opencode"), ...(prompt.length > 0 ? ["--prompt", ...prompt] : [])],
      env: { OPENCODE_CONFIG_CONTENT: JSON.stringify({ plugin: [`file://${HOME}/reporter.js`] }) },
    }),
    idle: (text) => /ctrl\+p comm/.test(text) && !/esc (again to )?interr/.test(text),
    working: /esc (again to )?interr/,
    shell: /Permission required/,
    edit: /Permission required/,
    ask: /Which method shall I use\?/,
    escape: ["Escape", "Escape"],
    yes: ["Enter"],
    questions: { shell: "$ npm test", edit: "→ Edit a.ts", ask: "Which method shall I use?" },
    choices: {
      shell: "Allow once | Allow always | Reject",
      edit: "Allow once | Allow always | Reject",
      ask: "OAuth Tokens of a provider | Password Our own table | Type your own answer",
    },
  },
  claude: {
    launch: (prompt) => {
      const events = "SessionStart UserPromptSubmit PreToolUse PermissionRequest Notification PostToolUse Stop StopFailure SessionEnd";
      writeFileSync(`${HOME}/hooks.json`, JSON.stringify({ hooks: commandHooks(events.split(" ")) }));
      return { argv: [programOf("claude"), "--settings", `${HOME}/hooks.json`, "--permission-mode", "manual", ...prompt] };
    },
    idle: (text) => /^❯/m.test(text) && !/esc to inter|^ *❯ \d\. |Esc to cancel/m.test(text),
    working: /esc to inter|^[·✢✳✶✻✽*] \S+…/m,
    trust: /trust this folder/,
    shell: /Do you want to proceed\?/,
    edit: /Do you want to make this edit/,
    ask: /Which method shall I use\?/,
    planning: ["--permission-mode", "plan"],
    plan: /Would you like to proceed\?/,
    escape: ["Escape"],
    yes: ["1"],
    questions: {
      trust: "Quick safety check: Is this a project you created or one you trust?",
      shell: "Do you want to proceed?",
      edit: "Do you want to make this edit to a.ts?",
      ask: "Which method shall I use?",
      plan: "Would you like to proceed?",
    },
    choices: {},
  },
  gemini: {
    // Hooks of one session alone cannot be had: a file of settings beside the user's must be root's own.
    launch: (prompt) => ({ argv: [programOf("gemini"), "-m", "gemini-2.5-pro", ...(prompt.length > 0 ? ["-i", ...prompt] : [])] }),
    idle: (text) => /◇/.test(text) && /^ [>*] /m.test(text),
    working: /✦/,
    trust: /Do you trust/,
    shell: /Allow execution/,
    edit: /Apply this change\?/,
    ask: /Which method shall I use\?/,
    escape: ["Escape"],
    yes: ["Enter"],
    questions: {
      trust: "Do you trust the files in this folder?",
      shell: "Allow execution of [Shell]? npm test",
      edit: "Apply this change? a.ts: is it ready? => it is.",
      ask: "Which method shall I use?",
    },
    choices: {
      trust: "Trust folder (fix-auth) | Trust parent folder (shop) | Don't trust",
      shell: "Allow once | Allow for this session | No, suggest changes (esc)",
      edit: "Allow once | Allow for this session | Modify with external editor | No, suggest changes (esc)",
    },
  },
};

/** Puts the reporters into the home: a shell script for hooks, a plugin for OpenCode. */
export function placeReporters() {
  const script = ["#!/bin/sh", 'row=$(tr -d "\\n")', `printf '%s\\n' "$row" >> ${REPORTS}`, ""];
  writeFileSync(REPORTER, script.join("\n"));
  chmodSync(REPORTER, 0o755);
  writeFileSync(
    `${HOME}/reporter.js`,
    `import { appendFileSync } from "node:fs";
const report = (row) => appendFileSync(${JSON.stringify(REPORTS)}, JSON.stringify(row) + "\\n");
export const Reporter = async () => ({
  event: async ({ event }) => {
    if (/^(session\\.(created|status|idle|error|deleted)|permission|question)\\b/.test(event.type)) report(event);
  },
  "chat.message": async (input, output) => {
    report({ type: "chat.message", properties: { sessionID: input.sessionID, id: output.message.id, text: output.parts.map((part) => part.text ?? "") } });
  },
});
`,
  );
}

function codexHooks() {
  const events = "SessionStart UserPromptSubmit PreToolUse PermissionRequest PostToolUse Stop SessionEnd".split(" ");
  return events.flatMap((event) => ["-c", `hooks.${event}=[{hooks=[{type="command",command="${REPORTER}",timeout=5}]}]`]);
}
