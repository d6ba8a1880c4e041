import type { Call, Host, HostFiles, InputMode } from "../../ports/index.js";

const CHUNK = 256 * 1024;
/** Longer than any of the sequences looked for. */
const OVERLAP = 64;

/** How a pane takes text. tmux itself does not tell about bracketed paste: what the program printed does. */
export async function readInputMode(host: Host, tty: string, logFile: string, call?: Call): Promise<InputMode> {
  const [bracketedPaste, canonical] = await Promise.all([bracketed(host.files, logFile), cooked(host, tty, call)]);
  return { bracketedPaste, canonical };
}

/** The last word on bracketed paste in the log, read from its end; null if what came before was thrown away. */
async function bracketed(files: HostFiles, logFile: string): Promise<boolean | null> {
  const current = await lastSwitch(files, logFile);
  if (current !== null && current.found !== null) return current.found;
  const older = await lastSwitch(files, `${logFile}.1`);
  if (older !== null) return older.found;
  // Never switched on since birth.
  return current === null ? null : false;
}

async function lastSwitch(files: HostFiles, path: string): Promise<{ readonly found: boolean | null } | null> {
  const stat = await files.stat(path);
  if (stat === null) return null;
  for (let end = stat.size; end > 0; end -= CHUNK) {
    const from = Math.max(0, end - CHUNK);
    const bytes = await files.readRange(path, from, end - from + OVERLAP);
    if (bytes === null) return null;
    const found = bracketedPasteIn(Buffer.from(bytes).toString("latin1"));
    if (found !== null) return { found };
  }
  return { found: null };
}

/** Whether the text leaves bracketed paste on or off; null if it says nothing. A full reset turns it off. */
export function bracketedPasteIn(text: string): boolean | null {
  let state: boolean | null = null;
  for (const match of text.matchAll(/\x1b(?:c|\[\?([0-9;]*)([hl]))/g)) {
    if (match[2] === undefined) state = false;
    else if (match[1]?.split(";").includes("2004")) state = match[2] === "h";
  }
  return state;
}

async function cooked(host: Host, tty: string, call?: Call): Promise<boolean | null> {
  if (!tty.startsWith("/dev/")) return null;
  for (const flag of ["-F", "-f"]) {
    const { exitCode, stdout } = await host.run(["stty", flag, tty, "-a"], { timeoutMs: 3000, brief: true }, call);
    const word = /(?:^|[\s;])(-?)icanon(?=[\s;]|$)/m.exec(stdout);
    if (exitCode === 0 && word !== null) return word[1] === "";
  }
  return null;
}
