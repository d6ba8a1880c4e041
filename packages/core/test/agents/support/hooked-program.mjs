// A program with hooks, as coding agents have them: reports what it does by a shell command of the launch's.
// HOOKED_MANNER: `good`; `swallow` drops the first Enter after each paste; `other` reports another text than it
// took; `mute` takes prompts and reports none; `late` loses what it is given before it is up.
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";

const [, , hooksJson] = process.argv;
const hooks = JSON.parse(hooksJson);
const { HOOKED_MANNER: manner = "good", HOOKED_LOG: log } = process.env;
const show = (state) => process.stdout.write(`\r\n[${state}]\r\n`);
const report = (kind, body) =>
  spawnSync("/bin/sh", ["-c", hooks[kind]], {
    input: JSON.stringify({ session_id: "talk-1", ...body }),
    stdio: ["pipe", "ignore", "ignore"],
  });

process.stdin.setRawMode(true);
process.stdin.setEncoding("utf8");
process.stdout.write("\x1b[?2004h");
if (manner === "late") {
  const lose = () => undefined;
  process.stdin.on("data", lose);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  process.stdin.off("data", lose);
}
report("SessionStart", {});
show("idle");

let typed = "";
let swallowed = false;
process.stdin.on("data", (chunk) => {
  for (const part of chunk.split(/(\x1b\[20[01]~|\r|\x1b(?!\[))/)) {
    if (part === "\x1b[200~" || part === "\x1b[201~") swallowed = false;
    else if (part === "\x1b") show("idle");
    else if (part !== "\r") {
      typed += part;
      process.stdout.write(part.replaceAll("\n", "\r\n"));
    } else if (manner === "swallow" && !swallowed) swallowed = true;
    else if (typed !== "") submit();
  }
});

function submit() {
  const prompt = typed;
  typed = "";
  appendFileSync(log, `${JSON.stringify(prompt)}\n`);
  if (manner === "mute") return show("idle");
  report("UserPromptSubmit", { prompt: manner === "other" ? `${prompt}!` : prompt });
  show("working");
  if (prompt.includes("long")) return;
  if (prompt.includes("may")) return report("PermissionRequest", { tool_name: "Bash", tool_input: { command: "npm test" } });
  report("Stop", {});
  show("idle");
}
