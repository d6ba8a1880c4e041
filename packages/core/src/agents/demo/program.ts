/**
 * `demo`: a scripted agent. It behaves in a terminal as real coding agents do, with no model behind
 * it: takes a first prompt as its last argument and later ones as bracketed pastes or typing, shows
 * that it works, asks for permission, writes a note under `demo/`, commits it, waits for the next prompt.
 *
 *     demo [--resume] [--] [PROMPT]
 *
 * Without a terminal it works on one prompt (the argument, else standard input) and exits.
 *
 * Keys: Enter sends (queued while it works), Ctrl+J breaks a line, Esc stops a turn or empties the
 * line, Ctrl+U empties the line, Ctrl+C twice exits 130, Ctrl+D on an empty line exits 0.
 *
 * Directives in a prompt, as many as wanted, acted on in their order:
 *
 *     [[say TEXT]]         print TEXT
 *     [[work 5s]]          be busy that long (ms, s, m), instead of the usual few seconds
 *     [[ask QUESTION]]     open a permission dialog and wait for 1, 2, Enter or Esc; "No" ends the turn
 *     [[spawn]]            start a process in a session of its own that ignores SIGHUP and SIGTERM
 *     [[no-commit]]        leave the note uncommitted
 *     [[dirty]]            commit, then leave a draft untracked and the note changed
 *     [[exit]]             exit 0 when the turn is done
 *     [[fail 3]]           exit 3 (1 to 255, 1 if left out) when the turn is done
 *     [[slow-start 2s]]    only in a first prompt: nothing is shown or read that long
 *
 * Environment:
 *
 *     DEMO_AGENT_LOG       file that gets one JSON line for each prompt taken: at, bytes, sha256, via, cwd, text (up to 4096 bytes)
 *     DEMO_AGENT_SPEED     2 is twice as fast, 0 as fast as possible; times in directives stay as they are written
 *
 * It stands alone: only Node's own modules, bundled into one file.
 */
import { interactive } from "./program/interactive.js";
import { once } from "./program/once.js";
import { parseArguments, USAGE } from "./program/options.js";

const options = parseArguments(process.argv.slice(2));
if (options.kind === "text") {
  (options.code === 0 ? process.stdout : process.stderr).write(options.code === 0 ? options.text : `${options.text}\n${USAGE}`);
  process.exitCode = options.code;
} else if (process.stdin.isTTY && process.stdout.isTTY) {
  interactive(options);
} else {
  process.exitCode = await once(options);
}
