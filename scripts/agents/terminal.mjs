// A pane of a private tmux server, as the recorder sees it.
import { execFileSync } from "node:child_process";
import { HOME } from "./namespace.mjs";

const SOCKET = `${HOME}/lab.sock`;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function tmux(args, input) {
  return execFileSync("tmux", ["-u", "-S", SOCKET, "-f", "/dev/null", ...args], {
    encoding: "utf8",
    timeout: 20_000,
    env: { PATH: process.env.PATH, HOME, LANG: "C.UTF-8", TERM: "xterm-256color" },
    ...(input === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input }),
  });
}

let count = 0;

export function openTerminal(argv, cwd, env, [columns, rows] = [200, 50]) {
  const name = `t${++count}`;
  const words = ["env", "-i", ...Object.entries(env).map(([key, value]) => `${key}=${value}`), ...argv];
  const start = ["new-session", "-d", "-P", "-F", "#{pane_id}", "-s", name, "-x", columns, "-y", rows, "-c", cwd, "--", ...words].map(
    String,
  );
  const pane = tmux([...start, ";", "set-option", "-w", "remain-on-exit", "on", ";", "set-option", "-g", "status", "off"]).trim();
  const ask = (format) => tmux(["display-message", "-p", "-t", pane, format]).trim();
  const terminal = {
    pid: () => Number(ask("#{pane_pid}")),
    title: () => ask("#{pane_title}"),
    dead: () => ask("#{pane_dead}") === "1",
    lines: () =>
      tmux(["capture-pane", "-p", "-t", pane])
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => line.trimEnd()),
    paste(text) {
      tmux(["load-buffer", "-b", "b", "-"], text);
      tmux(["paste-buffer", "-d", "-p", "-r", "-b", "b", "-t", pane]);
    },
    press: (...keys) => void tmux(["send-keys", "-t", pane, ...keys]),
    async submit(text) {
      terminal.paste(text);
      await pause(500);
      terminal.press("Enter");
    },
    async resize(width, height) {
      tmux(["resize-window", "-t", pane, "-x", String(width), "-y", String(height)]);
      await terminal.settled();
    },
    /** The screen once it has stood still for a moment (but for spinners and clocks). */
    async settled(ms = 700) {
      const plain = () =>
        terminal
          .lines()
          .join("\n")
          .replace(/[^\p{Letter}\n]/gu, "");
      let last = "";
      for (let i = 0; i < 12; i++) {
        const now = plain();
        if (now === last) return;
        last = now;
        await pause(ms);
      }
    },
    /** Waits until the screen, or the title, shows a mark. */
    async see(mark, what = String(mark), seconds = 60) {
      for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(100)) {
        const text = `${terminal.lines().join("\n")}\n${terminal.title()}`;
        if (mark instanceof RegExp ? mark.test(text) : mark(text)) return;
      }
      throw new Error(`Not seen: ${what}\n${terminal.lines().join("\n").trimEnd()}\n[${terminal.title()}]`);
    },
    close: () => void tmux(["kill-session", "-t", name]),
  };
  return terminal;
}
