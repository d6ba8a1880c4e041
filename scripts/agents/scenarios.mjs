// What a user does with an agent, through the built `fleet`, and what must come of it. Each scenario asks the model
// server what it received, not fleet what it believes.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentOf, furnish, programOf } from "./cli.mjs";
import { HOME } from "./namespace.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Text that programs like to take for something else. */
const HOSTILE = {
  "many lines": "First line\n  second, indented\n\nfourth; with $(touch x) and `y` {\n}",
  "a last semicolon": "Count the files;",
  "a leading !": "!touch /home/dev/canary",
  "a ! inside": "Say hello! !touch /home/dev/canary",
  "a leading /": "/review is a word that I want to say",
  "a leading #": "#42 is the issue that I mean",
  "a last @word": "Look at @a",
  "all of unicode": "Grüße, 日本語, 👩‍👩‍👧, e\u0301, \u202eright\u202c, ﷽",
  "20 KB": Array.from({ length: 400 }, (_, i) => `Line ${i}: ${"ä—word ".repeat(5)}`).join("\n"),
};

/** What a program itself makes of such a text, whoever types it. */
const MADE_OF_IT = {
  // A file that is named is looked up by its beginning, and read.
  gemini: { "a last @word": "Look at @a.ts" },
};
/** Two programs drop marks of direction, so that fleet refuses them: then all others. */
const WITHOUT_MARKS = "Grüße, 日本語, 👩‍👩‍👧, e\u0301, right, ﷽";
const INSTEAD = {
  gemini: { "all of unicode": WITHOUT_MARKS },
  // Which also composes letters.
  claude: { "all of unicode": WITHOUT_MARKS.normalize("NFC") },
};

/** Texts that are no prompt to a program, and why. */
const NO_PROMPT = {
  claude: { "a leading /": "an order of its own, also with a blank before it" },
};

/** claude hands on a paste of several lines in a tag of its own. */
export const unwrapped = (text) =>
  (/^\s*<pasted_content id="([^"]*)">\n(.*)\n<\/pasted_content id="\1">\s*$/s.exec(text)?.[2] ?? text).trim();

/** One agent in a home of its own, with all that a scenario needs to know of it. */
export async function startStage(agent, model, fleetBin) {
  for (const name of existsSync(HOME) ? readdirSync(HOME) : []) rmSync(join(HOME, name), { recursive: true, force: true });
  const repo = join(HOME, "shop");
  const bin = join(HOME, "bin");
  mkdirSync(bin, { recursive: true });
  mkdirSync(repo, { recursive: true });
  symlinkSync(programOf(agent), join(bin, agent));
  furnish(HOME, model.url, [repo]);
  const env = environmentOf(HOME, model.url, { PATH: `${bin}:${process.env.PATH}`, AI_FLEET_HOME: join(HOME, ".ai_fleet") });
  const git = (...args) => execFileSync("git", ["-C", repo, ...args], { env, stdio: "ignore" });
  git("init", "-q", "-b", "main");
  writeFileSync(join(repo, "a.ts"), "is it ready?\n");
  git("add", ".");
  git("commit", "-q", "-m", "Start");

  const fleet = (...args) => fleetWith(null, ...args);
  const fleetWith = (input, ...args) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [fleetBin, ...args, "--json", "--repo", repo], {
        cwd: repo,
        env,
        stdio: [input === null ? "ignore" : "pipe", "pipe", "pipe"],
      });
      child.stdin?.end(input);
      const out = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text) => (out[0] += text));
      child.stderr.setEncoding("utf8").on("data", (text) => (out[1] += text));
      child.once("close", (code) => {
        let said = null;
        try {
          said = JSON.parse(out[0]);
        } catch {
          // What it printed instead is in the text.
        }
        resolve({ code, said, text: `${out[0]}${out[1]}`.trim() });
      });
    });
  const one = async (branch) => (await fleet("list")).said?.agents?.find((each) => each.branch === branch);
  const stage = {
    agent,
    repo,
    env,
    fleet,
    fleetWith,
    one,
    canary: () => existsSync(join(HOME, "canary")),
    tmux: (...args) =>
      execFileSync("tmux", ["-S", join(HOME, ".ai_fleet", "tmux.sock"), ...args], { env, encoding: "utf8", stdio: "pipe" }),
    /** How often the server was asked for an answer to exactly this prompt. */
    taken: (prompt) =>
      model.requests.filter((request) => request.main && request.results === 0 && unwrapped(request.prompt) === prompt.trim()).length,
    requests: model.requests,
    /** Waits until `look` finds something; what it found last, and after how long. */
    async until(look, good, seconds) {
      const began = Date.now();
      for (;;) {
        const found = await look();
        if (good(found) || Date.now() - began > seconds * 1000) return { found, good: good(found), ms: Date.now() - began };
        await pause(100);
      }
    },
    status: (branch, wanted, seconds) =>
      stage.until(
        () => one(branch),
        (found) => wanted.includes(found?.status),
        seconds,
      ),
    key: async (branch, ...keys) => {
      const pane = stage.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_current_path}").split("\n")[0].split(" ")[0];
      for (const key of keys) {
        stage.tmux("send-keys", "-t", pane, key);
        await pause(400);
      }
      return branch;
    },
    screen: () => stage.tmux("capture-pane", "-p", "-t", stage.tmux("list-panes", "-a", "-F", "#{pane_id}").split("\n")[0]).trimEnd(),
    async end() {
      await fleet("kill", "--all", "--force", "--yes");
      try {
        stage.tmux("kill-server");
      } catch {
        // It has ended with its last session.
      }
      for (const pid of processes().filter((each) => !own.has(each))) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      }
    },
  };
  const own = new Set(processes());
  return stage;
}

/** Every process in here but kernel threads: the laboratory has a process table of its own. */
function processes() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid) !== "");
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** Processes that run in the agents' worktrees, or out of the agent's package. */
function agentsAlive(agent) {
  return processes().filter((pid) => {
    if (pid === process.pid) return false;
    let cwd = "";
    try {
      cwd = readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      return false;
    }
    const command = commandOf(pid);
    if (/(^|\/)tmux /.test(command)) return false;
    return /worktrees/.test(cwd) || command.includes(`/${agent}/node_modules/`);
  });
}

function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** claude tries again up to ten times after most errors, and works meanwhile. */
const ERRORS = { claude: 400 };
const ESCAPE = { opencode: ["Escape", "Escape"] };
const PERMISSION = { codex: true, claude: true, gemini: true, opencode: true };

export const SCENARIOS = [
  [
    "create with a prompt",
    async (stage) => {
      // By itself claude asks a model whether to ask.
      const mode = stage.agent === "claude" ? ["--mode", "ask"] : [];
      const made = await stage.fleet("create", "a", "--agent", stage.agent, ...mode, "--prompt", "Say hello, please");
      must(made.code === 0, `create: exit ${made.code}: ${made.text.slice(0, 300)}`);
      const { good } = await stage.until(
        () => stage.taken("Say hello, please"),
        (times) => times > 0,
        // opencode looks around for a while before the first turn in a new home.
        90,
      );
      must(good, `the server never saw it; the screen:\n${stage.screen()}`);
      await pause(1500);
      must(stage.taken("Say hello, please") === 1, `taken ${stage.taken("Say hello, please")} times`);
    },
  ],
  [
    "idle is seen",
    async (stage) => {
      const seen = await stage.status("a", ["idle"], 10);
      must(seen.good, `shown as ${seen.found?.status} (${seen.found?.source}); the screen:\n${stage.screen()}`);
      return `${seen.found.source ?? ""}`;
    },
  ],
  ...Object.entries(HOSTILE).map(([what, plain]) => [
    `prompt: ${what}`,
    async (stage) => {
      const none = NO_PROMPT[stage.agent]?.[what];
      if (none !== undefined) return `not done: ${none}`;
      const text = INSTEAD[stage.agent]?.[what] ?? plain;
      const made = MADE_OF_IT[stage.agent]?.[what] ?? text;
      rmSync(join(HOME, "canary"), { force: true });
      const ready = await stage.status("a", ["idle"], 15);
      must(ready.good, `not idle before, but ${ready.found?.status}`);
      const sent = await stage.fleet("prompt", "a", text);
      const { good } = await stage.until(
        () => stage.taken(made),
        (times) => times > 0,
        15,
      );
      must(!stage.canary(), "THE PROMPT WAS EXECUTED");
      if (sent.code !== 0) must(!good, `exit ${sent.code}, but it was taken: ${sent.text.slice(0, 200)}`);
      must(sent.code === 0, `refused, exit ${sent.code}: ${sent.text.slice(0, 200)}`);
      const last = stage.requests.findLast((request) => request.main)?.prompt ?? "";
      must(
        good,
        `said ${sent.said?.results?.[0]?.status ?? sent.code}, but not taken; the server's last: ${JSON.stringify(last.slice(0, 120))}`,
      );
      await pause(800);
      must(stage.taken(made) === 1, `taken ${stage.taken(made)} times`);
    },
  ]),
  [
    "prompt while busy",
    async (stage) => {
      await stage.status("a", ["idle"], 15);
      await stage.fleet("prompt", "a", "Please think for 8 s");
      const busy = await stage.status("a", ["working"], 6);
      must(busy.good, `not working, but ${busy.found?.status}`);
      const sent = await stage.fleet("prompt", "a", "And then the docs");
      must(sent.code === 0, `exit ${sent.code}: ${sent.text.slice(0, 200)}`);
      const { good } = await stage.until(
        () => stage.taken("And then the docs"),
        (times) => times > 0,
        25,
      );
      must(good, `never taken; the screen:\n${stage.screen()}`);
      await pause(1500);
      must(stage.taken("And then the docs") === 1, `taken ${stage.taken("And then the docs")} times`);
    },
  ],
  [
    "a question is seen as waiting",
    async (stage) => {
      must(PERMISSION[stage.agent], "it never asks");
      await stage.status("a", ["idle"], 15);
      await stage.fleet("prompt", "a", "Please run: touch /home/dev/asked");
      const seen = await stage.status("a", ["waiting"], 10);
      must(seen.good, `shown as ${seen.found?.status}; the screen:\n${stage.screen()}`);
      must(seen.found.question, "waiting, but without the question");
      const sent = await stage.fleet("prompt", "a", "Not now");
      must(sent.code === 4, `a prompt into the open question: exit ${sent.code}`);
      must(!existsSync(join(HOME, "asked")), "the question was answered by nobody");
      return seen.found.question;
    },
  ],
  [
    "Esc ends the question",
    async (stage) => {
      await stage.key("a", ...(ESCAPE[stage.agent] ?? ["Escape"]));
      const seen = await stage.status("a", ["idle"], 10);
      must(seen.good, `shown as ${seen.found?.status}; the screen:\n${stage.screen()}`);
    },
  ],
  [
    "an answer is given",
    async (stage) => {
      await stage.status("a", ["idle"], 15);
      await stage.fleet("prompt", "a", "Please run: touch answered.txt");
      // A program may say that it asks a moment before its dialog stands.
      const seen = await stage.until(
        () => stage.one("a"),
        (found) => found?.status === "waiting" && found.choices?.length > 1,
        10,
      );
      must(seen.good, `shown as ${seen.found?.status}, choices ${seen.found?.choices}; the screen:\n${stage.screen()}`);
      const file = join(seen.found.worktree, "answered.txt");
      must(!existsSync(file), "it was done before it was allowed");
      const answered = await stage.fleet("answer", "a", "yes");
      must(answered.code === 0, `exit ${answered.code}: ${answered.text.slice(0, 200)}`);
      const { good } = await stage.until(() => existsSync(file), Boolean, 10);
      must(good, `allowed, but not done; the screen:\n${stage.screen()}`);
      rmSync(file);
      return seen.found.choices.map((choice) => choice.label ?? choice).join(" | ");
    },
  ],
  [
    "Esc ends a turn",
    async (stage) => {
      await stage.fleet("prompt", "a", "Please think for 30 s");
      const busy = await stage.status("a", ["working"], 6);
      must(busy.good, `not working, but ${busy.found?.status}`);
      await stage.key("a", ...(ESCAPE[stage.agent] ?? ["Escape"]));
      // claude puts the prompt back into the input, as a draft.
      if (stage.agent === "claude") await stage.key("a", "C-u");
      const seen = await stage.status("a", ["idle"], 5);
      must(seen.good, `shown as ${seen.found?.status}; the screen:\n${stage.screen()}`);
    },
  ],
  [
    "an API error is not work",
    async (stage) => {
      const sent = await stage.fleet("prompt", "a", `Please fail with ${ERRORS[stage.agent] ?? 401}`);
      must(sent.code === 0, `exit ${sent.code}: ${sent.text.slice(0, 200)}`);
      await pause(1000);
      const seen = await stage.status("a", ["idle", "failed", "waiting"], 30);
      must(seen.good, `shown as ${seen.found?.status}; the screen:\n${stage.screen()}`);
      return seen.found.status;
    },
  ],
  [
    "tmux dies, resume brings it back",
    async (stage) => {
      if (stage.agent === "gemini") await stage.key("a", "Escape");
      stage.tmux("kill-server");
      await pause(500);
      const lost = await stage.one("a");
      must(lost?.status === "lost", `shown as ${lost?.status}`);
      const resumed = await stage.fleet("resume", "a");
      must(resumed.code === 0, `resume: exit ${resumed.code}: ${resumed.text.slice(0, 300)}`);
      const seen = await stage.status("a", ["idle"], 30);
      must(seen.good, `shown as ${seen.found?.status}; the screen:\n${stage.screen()}`);
      const sent = await stage.fleet("prompt", "a", "What did I say first?");
      must(sent.code === 0, `exit ${sent.code}: ${sent.text.slice(0, 200)}`);
      const { good } = await stage.until(
        () => stage.taken("What did I say first?"),
        (times) => times > 0,
        90,
      );
      must(good, `not taken; the screen:\n${stage.screen()}`);
      const request = stage.requests.findLast((each) => each.prompt === "What did I say first?");
      // Of a conversation with an Esc in it gemini itself forgets the very first prompt.
      const earlier = stage.agent === "gemini" ? "And then the docs" : "Say hello, please";
      must(
        request?.prompts.some((text) => text.includes(earlier)),
        "a new conversation",
      );
    },
  ],
  [
    "kill leaves no process",
    async (stage) => {
      await stage.status("a", ["idle"], 15);
      await stage.fleet("prompt", "a", "Please think for 60 s");
      await stage.status("a", ["working"], 6);
      const killed = await stage.fleet("kill", "a", "--force", "--yes");
      must(killed.code === 0, `exit ${killed.code}: ${killed.text.slice(0, 300)}`);
      const { found, good, ms } = await stage.until(
        () => agentsAlive(stage.agent),
        (pids) => pids.length === 0,
        5,
      );
      must(good, `left: ${found.map(commandOf).join(" | ").slice(0, 300)}`);
      return `${ms} ms`;
    },
  ],
  [
    "doctor --probe finds it in order",
    async (stage) => {
      const { code, said, text } = await stage.fleet("doctor", "--probe", stage.agent);
      const found = (said?.findings ?? []).map(({ check, state, message }) => `${state} ${check}: ${message}`).join("; ");
      must(code === 0, `exit ${code}: ${found || text.slice(0, 300)}`);
      const notes = said.findings.filter(({ state, check }) => state !== "ok" && check !== "status");
      must(notes.length === 0, found);
      must((await stage.fleet("list")).said.agents.length === 0, "it left an agent");
      return said.findings.find(({ check }) => check === "delivery").message;
    },
  ],
];
