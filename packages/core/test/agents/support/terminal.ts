import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { settle, type World } from "../../support/world.js";

/** One program in a pane of the world's own tmux server. */
export interface Terminal {
  screen(): string[];
  paste(text: string | Buffer): void;
  press(...keys: string[]): void;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Waits until the screen satisfies `good`; fails the test with the screen otherwise. */
  see(good: (lines: string[]) => boolean, what: string): Promise<string[]>;
  /** Waits for the program's end and returns its exit code. */
  ended(): Promise<number>;
  pid(): number;
  /** Ends it, and what runs on it. */
  close(): void;
  /** What the terminal says of itself, a format of tmux. */
  ask(format: string): string;
}

let count = 0;

export function openTerminal(world: World, argv: readonly string[], cwd: string, env: Record<string, string> = {}): Terminal {
  const socket = join(world.root, "t.sock");
  const name = `t${++count}`;
  const tmux = (args: readonly string[], input?: string | Buffer) =>
    execFileSync("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...args], {
      env: world.env,
      encoding: "utf8",
      timeout: 5000,
      ...(input === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input }),
    });
  const extra = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  // The server may look late at how a program ended, so a shell writes it down.
  const codeFile = join(world.root, `${name}.code`);
  const command = ["sh", "-c", 'env "$@"; echo $? > "$0"', codeFile, ...extra, ...argv];
  const start = ["new-session", "-d", "-P", "-F", "#{pane_id}", "-s", name, "-x", "100", "-y", "30", "-c", cwd, "--", ...command];
  const pane = tmux([...start, ";", "set-option", "-w", "remain-on-exit", "on"]).trim();
  const ask = (format: string) => tmux(["display-message", "-p", "-t", pane, format]).trim();
  const terminal: Terminal = {
    ask,
    close: () => void tmux(["kill-pane", "-t", pane]),
    screen: () => tmux(["capture-pane", "-p", "-t", pane]).replace(/\n$/, "").split("\n"),
    paste(text) {
      tmux(["load-buffer", "-b", "b", "-"], text);
      tmux(["paste-buffer", "-d", "-p", "-r", "-b", "b", "-t", pane]);
    },
    press: (...keys) => void tmux(["send-keys", "-t", pane, ...keys]),
    type: (text) => void tmux(["send-keys", "-t", pane, "-l", "--", text]),
    resize: (columns, rows) => void tmux(["resize-window", "-t", pane, "-x", String(columns), "-y", String(rows)]),
    async see(good, what) {
      const lines = await settle(() => terminal.screen(), good);
      if (!good(lines)) throw new Error(`Not seen: ${what}\n${lines.join("\n")}`);
      return lines;
    },
    async ended() {
      const code = await settle(
        () => (existsSync(codeFile) ? readFileSync(codeFile, "utf8") : ""),
        (text) => text.endsWith("\n"),
      );
      if (code === "") throw new Error(`The program has not ended:\n${terminal.screen().join("\n")}`);
      return Number(code);
    },
    pid() {
      const shell = ask("#{pane_pid}");
      return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim());
    },
  };
  return terminal;
}
