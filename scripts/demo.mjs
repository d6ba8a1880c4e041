// npm run demo: the main job on the embedded scripted agent. A repository and a fleet of its own in
// a temporary folder, so that nothing of the user's is touched; it is all gone at the end.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, environment, installPackages, requireTools, root } from "./prepare.mjs";

requireTools();
installPackages();
build();

const world = mkdtempSync(join(tmpdir(), "fleet-demo-"));
const repo = join(world, "shop");
const env = environment({ AI_FLEET_HOME: join(world, "home"), AIFLEET_AGENT_DEFAULT: "demo", NODE_EXTRA_CA_CERTS: "" });
const bin = join(root, "packages", "cli", "bin", "fleet.js");
const plain = !process.stdout.isTTY || process.env.NO_COLOR;
const dim = (text) => (plain ? text : `\u001b[2m${text}\u001b[0m`);
const bold = (text) => (plain ? text : `\u001b[1m${text}\u001b[0m`);
let child = null;

process.on("SIGINT", () => {
  child?.kill("SIGINT");
  cleanUp();
  process.exit(130);
});

makeRepository();
try {
  say("Three agents, one task. Each gets a branch, a worktree and a tmux session of its own:");
  await fleet(["fanout", "3", "try", "--prompt", "Write down how prices are made. [[work 4s]]"]);
  const [{ batch }] = JSON.parse(await capture(["list", "--json"])).agents;
  await fleet(["list"]);
  say("They work at the same time. Waiting until all three have finished their turn …");
  await fleet(["wait", "--batch", batch, "--for", "idle", "--timeout", "60"]);
  await fleet(["list", "--changes"]);
  say("What the second one did:");
  await fleet(["diff", "try-2", "--stat"]);
  await fleet(["logs", "try-2", "-n", "12"]);
  say("A prompt to all of them, then the end. Committed work stays on its branch:");
  await fleet(["prompt", "--batch", batch, "Thank you. [[no-commit]]"]);
  await fleet(["wait", "--batch", batch, "--for", "idle", "--timeout", "60"]);
  await fleet(["kill", "--batch", batch, "--yes", "--force"]);
  say("Branches with work on them are kept, worktrees and sessions are gone:");
  show("git branch", spawnSync("git", ["branch"], { cwd: repo, env, encoding: "utf8" }).stdout);
  console.log(`\n${bold("That was the main job.")} In a repository of yours, with an agent you have installed:\n`);
  console.log(`  npm link --workspace packages/cli     ${dim("# once: puts `fleet` on your PATH")}`);
  console.log(`  cd your-repository`);
  console.log(`  fleet fanout 3 --agent claude --prompt "…"\n`);
} finally {
  cleanUp();
}

function makeRepository() {
  mkdirSync(repo);
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=Demo", "-c", "user.email=demo@example.invalid", ...args], { cwd: repo, env, stdio: "ignore" });
  git("init", "-q", "-b", "main");
  writeFileSync(join(repo, "README.md"), "# Shop\n\nSells things.\n");
  writeFileSync(join(repo, "prices.js"), "export const price = (cost) => Math.round(cost * 1.4);\n");
  git("add", "-A");
  git("commit", "-q", "-m", "A small shop");
}

function say(text) {
  console.log(`\n${bold(text)}`);
}

function show(command, output) {
  console.log(`${dim(`$ ${command}`)}\n${output.trimEnd()}`);
}

async function fleet(args) {
  console.log(dim(`$ fleet ${args.map(quoted).join(" ")}`));
  await start(args, ["ignore", "inherit", "inherit"]);
}

function capture(args) {
  return start(args, ["ignore", "pipe", "inherit"]);
}

function start(args, stdio) {
  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, [bin, ...args], { cwd: repo, env, stdio });
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      child = null;
      if (code === 0) resolve(output);
      else reject(new Error(`fleet ${args[0]} ended with ${code}`));
    });
  });
}

function quoted(word) {
  return /^[\w./:=,-]+$/.test(word) ? word : `'${word}'`;
}

function cleanUp() {
  spawnSync(process.execPath, [bin, "kill", "--all", "--force", "--yes"], { cwd: repo, env, stdio: "ignore" });
  spawnSync("tmux", ["-S", join(world, "home", "tmux.sock"), "kill-server"], { env, stdio: "ignore" });
  rmSync(world, { recursive: true, force: true });
}
