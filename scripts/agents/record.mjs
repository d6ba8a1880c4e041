// node scripts/agents/record.mjs [AGENT…]: records anew what the real programs show and report, from real runs in a
// network of loopback alone, into packages/core/test/agents/{screens,reports}. Look through the difference before it is
// committed: a screen is what the program showed, its state is what the recorder had made it do.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AGENTS, environmentOf, furnish, install, versionOf } from "./cli.mjs";
import { startModel } from "./model.mjs";
import { HOME, inside, missing, REPO } from "./namespace.mjs";
import { PROGRAMS, placeReporters, REPORTS } from "./programs.mjs";
import { openTerminal, pause } from "./terminal.mjs";

const here = fileURLToPath(import.meta.url);
const OUT = process.env.AIFLEET_RECORDINGS ?? join(dirname(here), "../../packages/core/test/agents");
const WORKTREE = `${HOME}/worktrees/shop/fix-auth`;
const SIZES = [
  [200, 50],
  [80, 24],
  [40, 24],
];

const chosen = process.argv.slice(2);
const agents = chosen.length > 0 ? chosen : AGENTS;

if (process.env.AIFLEET_LAB !== "inside") {
  const reason = missing() ?? ["aimock", "opencode-plugin", ...agents].map(install).find((failed) => failed !== null);
  if (reason) throw new Error(reason);
}
if (inside(here, process.argv.slice(2))) {
  const model = await startModel();
  for (const agent of agents) await record(agent, model);
  await model.stop();
}

async function record(agent, model) {
  const program = PROGRAMS[agent];
  const version = versionOf(agent);
  const env = environmentOf(HOME, model.url);
  const folder = join(OUT, "screens", agent);
  mkdirSync(folder, { recursive: true });
  rmSync(REPORTS, { force: true });
  let terminal;

  const open = async ({ prompt = [], trusted = [REPO], size = SIZES[0], more = [] } = {}) => {
    prepare(model.url, trusted, agent);
    const { argv, env: extra = {} } = program.launch([...more, ...prompt]);
    terminal = openTerminal(argv, WORKTREE, { ...env, ...extra }, size);
    return terminal;
  };
  const save = (name, [columns, rows], question, choices) => {
    const lines = terminal.lines();
    const end = lines.findLastIndex((line) => line !== "");
    const head = [`#! version = ${version}`, `#! size = ${columns}x${rows}`, `#! title = ${terminal.title()}`];
    if (question) head.push(`#! question = ${question}`);
    if (choices) head.push(`#! choices = ${choices}`);
    writeFileSync(join(folder, `${name}-${columns}.txt`), `${[...head, ...lines.slice(0, end + 1)].join("\n")}\n`);
    console.log(`  ${agent}/${name}-${columns}`);
  };
  const shot = async (name, { asked, sizes = SIZES, certain = false } = {}) => {
    for (const size of sizes) {
      await terminal.resize(...size);
      save(name, size, program.questions[asked], program.choices[asked]);
    }
    await terminal.resize(...SIZES[0]);
    // A screen that changed while it was recorded proves nothing.
    const state = name.split("-")[0];
    const still = { working: program.working, idle: program.idle }[state] ?? program[name.split("-")[1]];
    if (!certain && !fits(still, screen())) {
      for (const [columns] of sizes) rmSync(join(folder, `${name}-${columns}.txt`), { force: true });
      throw new Error(`no longer ${state}:\n${screen().trimEnd()}`);
    }
  };
  const screen = () => `${terminal.lines().join("\n")}\n${terminal.title()}`;
  const clear = async () => {
    for (let i = 0; i < 8; i++) terminal.press("C-u", "BSpace");
    await pause(600);
  };
  const step = async (what, act) => {
    try {
      console.log(`${agent}: ${what}`);
      await act();
    } catch (error) {
      console.log(`! ${agent}: ${what}: ${error.message}`);
    }
  };
  const idle = () => terminal.see(program.idle, "idle");
  const ask = (what) => terminal.see(program[what], what);
  const back = async () => {
    for (const key of program.escape) {
      terminal.press(key);
      await pause(400);
    }
    await idle();
    await clear();
  };

  if (program.trust) {
    await step("a folder that is not trusted", async () => {
      await open({ trusted: [] });
      await ask("trust");
      await shot("waiting-trust", { asked: "trust" });
      terminal.close();
    });
  }
  rmSync(REPORTS, { force: true });
  await step("the start", async () => {
    await open();
    await pause(500);
    if (!program.idle(screen())) save("unknown-starting", SIZES[0]);
    await idle();
    await shot("idle-fresh");
  });
  await step("a draft", async () => {
    terminal.paste("half a thought about the login");
    await pause(1000);
    await shot("idle-draft");
    await clear();
    terminal.paste("1. a list in my draft\n  2. of two\n❯ 1. Yes\n› 1. Yes, proceed (y)\nDo you want to proceed?");
    await pause(1000);
    await shot("idle-list-in-draft");
    await clear();
  });
  await step("work", async () => {
    await idle();
    await terminal.submit("Please think for 45 s");
    await terminal.see(program.working);
    await pause(1500);
    await shot("working-think");
    await terminal.submit("and then the docs");
    await pause(1500);
    await shot("working-queued");
    for (const key of program.escape) {
      terminal.press(key);
      await pause(500);
    }
    await pause(2000);
    await idle();
    await shot("idle-interrupted");
    await clear();
  });
  await step("a question about a command", async () => {
    await idle();
    await terminal.submit("Please run: npm test");
    await ask("shell");
    await pause(1000);
    await shot("waiting-shell", { asked: "shell" });
    await back();
    await shot("idle-refused");
  });
  await step("a question about a command, answered", async () => {
    await terminal.submit("Please run: sleep 20");
    await ask("shell");
    await pause(1000);
    terminal.press(...program.yes);
    await terminal.see(program.working);
    await pause(2000);
    await shot("working-shell");
    await back();
  });
  await step("a question about a change", async () => {
    if (program.readOnly) {
      terminal.close();
      await open({ more: program.readOnly });
      await idle();
    }
    await terminal.submit("Please edit a.ts");
    await ask("edit");
    await pause(1500);
    await shot("waiting-edit", { asked: "edit" });
    terminal.press(...program.yes);
    await terminal.see(/Your prompt had/);
    await idle();
    await shot("idle-edited");
  });
  for (const what of ["ask", "plan"]) {
    if (!program[what]) continue;
    await step(`a question of its own: ${what}`, async () => {
      if (what === "plan") {
        terminal.close();
        await open({ more: program.planning });
        await idle();
      }
      await terminal.submit(what === "ask" ? "Please ask me" : "Please plan");
      await ask(what);
      await pause(1000);
      await shot(`waiting-${what}`, { asked: what });
      await back();
    });
  }
  await step("an error of the model server", async () => {
    await terminal.submit("Please fail with 500");
    await terminal.see(program.working);
    await pause(3000);
    if (!program.idle(screen())) save("working-retry", SIZES[0]);
    for (const key of program.escape) terminal.press(key);
    await idle();
    await clear();
    await terminal.submit("Please fail with 401");
    await pause(4000);
    await idle();
    await shot("idle-error");
  });
  await step("an answer that quotes the marks", async () => {
    await terminal.submit("Please quote the marks");
    await terminal.see(/and a question looks so/);
    // Its marks stand in the answer, so that it has ended is known from the server alone.
    await pause(3000);
    await shot("idle-quoted", { certain: true });
  });
  await step("a long answer", async () => {
    await terminal.submit("Please write a lot");
    await terminal.see(/Line 80 of/);
    await pause(3000);
    await shot("idle-long", { certain: true });
    await terminal.submit("Please think for 30 s");
    await terminal.see(program.working);
    await pause(1000);
    await shot("working-again");
  });
  await step("the end", () => terminal.close());
  await pause(500);
  keepReports(agent, version);
}

function fits(mark, text) {
  return mark instanceof RegExp ? mark.test(text) : mark(text);
}

/** A home, a repository and a worktree as a user has them, new for each start but for what the program itself keeps. */
function prepare(url, trusted, agent) {
  if (!existsSync(REPO)) {
    const git = (...args) => execFileSync("git", ["-C", REPO, "-c", "user.name=Dev", "-c", "user.email=dev@example.invalid", ...args]);
    mkdirSync(REPO, { recursive: true });
    git("init", "-q", "-b", "main");
    writeFileSync(join(REPO, "a.ts"), "is it ready?\n");
    writeFileSync(join(REPO, "package.json"), '{"scripts":{"test":"echo 12 passed"}}\n');
    git("add", ".");
    git("commit", "-q", "-m", "Start");
    git("worktree", "add", "-q", "-b", "fix-auth", WORKTREE);
  }
  execFileSync("git", ["-C", WORKTREE, "checkout", "-q", "--", "."]);
  furnish(HOME, url, trusted);
  if (agent === "gemini" && trusted.length === 0) {
    const path = join(HOME, ".gemini/settings.json");
    const settings = JSON.parse(readFileSync(path, "utf8"));
    settings.security.folderTrust.enabled = true;
    writeFileSync(path, JSON.stringify(settings));
  }
  placeReporters();
}

/** What the program reported, and its transcript, without its maker's long instructions. */
function keepReports(agent, version) {
  const folder = join(OUT, "reports", agent);
  mkdirSync(folder, { recursive: true });
  const keep = (name, path) => {
    if (path === null || !existsSync(path)) return;
    const rows = readFileSync(path, "utf8").split("\n").filter(Boolean);
    writeFileSync(join(folder, name), `${[JSON.stringify({ version }), ...rows.map(shortened)].join("\n")}\n`);
    console.log(`  ${agent}/${name}: ${rows.length} rows`);
  };
  keep("hooks.jsonl", REPORTS);
  const transcripts = {
    codex: [`${HOME}/.codex/sessions`, /rollout-.*\.jsonl$/],
    claude: [`${HOME}/.claude/projects`, /\.jsonl$/],
    gemini: [`${HOME}/.gemini/tmp`, /session-.*\.jsonl?$/],
  };
  const [where, name] = transcripts[agent] ?? [null, null];
  if (where === null || !existsSync(where)) return;
  const files = readdirSync(where, { recursive: true }).filter((file) => name.test(file));
  const size = (file) => readFileSync(join(where, file)).length;
  const largest = files.sort((a, b) => size(b) - size(a))[0];
  keep("transcript.jsonl", largest === undefined ? null : join(where, largest));
}

function shortened(row) {
  try {
    return JSON.stringify(JSON.parse(row), (_key, value) =>
      typeof value === "string" && value.length > 600 ? `${value.slice(0, 200)}…` : value,
    );
  } catch {
    appendFileSync("/dev/stderr", `not JSON: ${row.slice(0, 80)}\n`);
    return row.slice(0, 400);
  }
}
