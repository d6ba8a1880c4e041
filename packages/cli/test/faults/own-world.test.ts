import { execFileSync, spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { BIN } from "../support/cli.js";
import { figure, LONG } from "./support/report.js";
import { fleetEnv } from "./support/run.js";

let world: World;
let repo: string;
let socket: string;

/** Told by what the fleet runs, not by the git that an agent runs: that is the agent's own. */
const CANARY = (name: string) => `test $AIFLEET_ID || touch '${world.root}/canary-${name}'`;
/** Written by the user's own hooks: these may run, as they do for the user's own git. */
const hook = (name: string) => `#!/bin/sh\necho "a hook of the user's says ${name}"\necho and on stderr >&2\n`;

/** Settings of a person whose git is as odd as it may be. */
function gitConfig(): string {
  return `[user]
	name = Tester
	email = tester@example.invalid
[init]
	defaultBranch = main
[core]
	hooksPath = ${world.home}/hooks
	fsmonitor = "${CANARY("fsmonitor")}"
	autocrlf = false
	pager = "${CANARY("pager")}; cat"
	editor = "${CANARY("editor")}; false"
	quotePath = true
	abbrev = 4
[commit]
	gpgsign = true
	template = ${world.home}/no-such-template
	verbose = true
[gpg]
	program = ${world.home}/gpg
[tag]
	gpgsign = true
[alias]
	status = "!${CANARY("alias-status")}"
	worktree = "!${CANARY("alias-worktree")}"
	branch = "!${CANARY("alias-branch")}"
	wt = "!${CANARY("alias-wt")}"
[diff]
	external = "${CANARY("external-diff")}"
	noprefix = true
	mnemonicPrefix = true
	renames = copies
[status]
	short = true
	branch = true
	relativePaths = false
	showUntrackedFiles = no
[color]
	ui = always
[column]
	ui = always
[log]
	showSignature = true
	decorate = full
[safe]
	bareRepository = explicit
[branch]
	autoSetupMerge = always
	autoSetupRebase = always
	sort = -committerdate
[checkout]
	defaultRemote = nowhere
	guess = false
[worktree]
	guessRemote = true
[submodule]
	recurse = true
[push]
	default = nothing
[advice]
	detachedHead = true
[gc]
	auto = 1
[index]
	version = 4
[core]
	untrackedCache = true
[feature]
	manyFiles = true
`;
}

const TMUX_CONF = `set -g prefix C-a
set -g base-index 7
set -g pane-base-index 7
set -g default-command "sh -c 'exit 9'"
set -g default-shell /bin/false
set -g remain-on-exit off
set -g destroy-unattached on
set -g exit-empty on
set -g set-titles on
set -g automatic-rename on
set -g status off
set -g history-limit 1
set-hook -g session-created 'kill-session'
set-environment -g FROM_USER yes
`;

/** What shells read when they start: odd for a person, and told of where the fleet itself would start one. */
const POSIX_RC = (root: string) =>
  `test -n "$AIFLEET_RUN" && touch '${root}/canary-shell'\nalias git=false tmux=false sh=false\nset -u\ntrue\n`;
const SHELL_RC: Readonly<Record<string, (root: string) => string>> = {
  ".bashrc": POSIX_RC,
  ".bash_profile": POSIX_RC,
  ".profile": POSIX_RC,
  ".zshenv": POSIX_RC,
  ".zshrc": (root) => `${POSIX_RC(root)}setopt sh_word_split no_match glob_subst\n`,
  ".config/fish/config.fish": (root) => `test -n "$AIFLEET_RUN"; and touch '${root}/canary-shell'\nalias git false\nalias tmux false\n`,
};

/** Each file below some folders: what it is, its mode, its time and its bytes. */
function everything(...folders: string[]): Record<string, string> {
  const files: Record<string, string> = {};
  for (const folder of folders) {
    const names = lstatSync(folder).isDirectory()
      ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      : [folder];
    for (const path of names) {
      const stat = lstatSync(path);
      if (stat.isDirectory()) continue;
      const content = stat.isSymbolicLink() ? readlinkSync(path) : stat.isFile() ? readFileSync(path, "base64") : "other";
      files[path] = `${stat.mode.toString(8)} ${stat.mtimeMs} ${content}`;
    }
  }
  return files;
}

const own = (...args: string[]) =>
  execFileSync("tmux", ["-S", socket, ...args], { env: world.env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
/** All that can be asked of the user's own server. */
const serverState = () =>
  [
    own("display-message", "-p", "#{pid}"),
    own("list-panes", "-a", "-F", "#{session_id} #{session_name} #{pane_id} #{pane_pid} #{pane_dead} #{window_name}"),
    own("show-options", "-g"),
    own("show-options", "-s"),
    own("show-hooks", "-g"),
    own("list-keys"),
    own("show-environment", "-g"),
    own("list-buffers"),
  ].join("\n");

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command line of words is typed in a shell, its settings for a person read. */
const TYPED: Readonly<Record<string, readonly string[]>> = {
  bash: ["-i", "-c", 'umask "$0"; exec "$@"'],
  zsh: ["-i", "-c", 'umask "$0"; exec "$@"'],
  fish: ["-i", "-c", "umask $argv[1]; exec $argv[2..-1]"],
};
const pathOf = (shell: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(":")
    .map((folder) => join(folder, shell))
    .find((path) => existsSync(path));
const SHELLS = Object.keys(TYPED).filter((shell) => pathOf(shell) !== undefined);

function fleet(args: readonly string[], { env: extra, umask, shell }: Surroundings): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const typed = shell !== undefined && SHELLS.includes(shell) ? [pathOf(shell) as string, ...(TYPED[shell] as string[])] : undefined;
    const [program = "", ...words] = typed ?? ["/bin/sh", "-c", 'umask "$0"; exec "$@"'];
    const own = {
      BASH_ENV: join(world.home, ".bashrc"),
      ENV: join(world.home, ".bashrc"),
      ...(typed === undefined ? {} : { SHELL: program }),
    };
    const child = spawn(program, [...words, umask, process.execPath, BIN, ...args], {
      cwd: repo,
      env: { ...fleetEnv(world), ...own, ...extra },
      stdio: ["ignore", "pipe", "pipe"],
      // A shell for a person takes a terminal for itself.
      detached: true,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

interface Surroundings {
  readonly what: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: string;
  /** In which the command is typed; in sh where it is not there. */
  readonly shell?: string;
}

const ODD: readonly Surroundings[] = [
  { what: "in bash, with the locale C", env: { LANG: "C", LC_ALL: "C" }, umask: "077", shell: "bash" },
  {
    what: "in zsh, with a locale that is not there, inside of the user's own tmux, git's variables set",
    env: {
      LANG: "xx_YY.UTF-8",
      LC_ALL: "xx_YY",
      TMUX: "INSIDE",
      TMUX_PANE: "%0",
      TMUX_TMPDIR: "/nowhere",
      GIT_DIR: "/nowhere",
      GIT_WORK_TREE: "/",
      GIT_INDEX_FILE: "/nowhere/i",
    },
    umask: "000",
    shell: "zsh",
  },
  { what: "in fish", env: {}, umask: "022", shell: "fish" },
  { what: "with a shell that fails", env: { SHELL: "/bin/false" }, umask: "027" },
  { what: "with a shell that is not there, and an odd terminal", env: { SHELL: "/no/such/fish", TERM: "no-such-terminal" }, umask: "022" },
  { what: "as it is", env: {}, umask: "022" },
];
const KINDS = LONG ? ODD : ODD.slice(0, 2);

describe("the user's own world", () => {
  let before: { files: Record<string, string>; server: string };
  const look = () => ({
    files: everything(
      join(world.home, ".gitconfig"),
      join(world.home, ".tmux.conf"),
      join(world.home, "hooks"),
      ...Object.keys(SHELL_RC).map((name) => join(world.home, name)),
      join(world.home, ".config", "tmux"),
      join(repo, ".git", "hooks"),
      join(repo, ".git", "config"),
      join(repo, "README.md"),
    ),
    server: serverState(),
  });

  beforeAll(() => {
    world = makeWorld("own");
    repo = world.repo("repo", { "README.md": "# Hello\n", "ünï.txt": "x\n" });
    for (const name of ["post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change", "prepare-commit-msg"]) {
      world.write(join(world.home, "hooks", name), hook(name), 0o755);
      world.write(join(repo, ".git", "hooks", name), hook(name), 0o755);
    }
    world.write(join(world.home, "gpg"), `#!/bin/sh\n${CANARY("gpg")}\nexit 2\n`, 0o755);
    world.write(join(world.home, ".gitconfig"), gitConfig());
    world.write(join(world.home, ".tmux.conf"), TMUX_CONF);
    world.write(join(world.home, ".config", "tmux", "tmux.conf"), TMUX_CONF);
    for (const [name, text] of Object.entries(SHELL_RC)) world.write(join(world.home, name), text(world.root));
    socket = join(world.root, "own.sock");
    execFileSync("tmux", ["-f", "/dev/null", "-S", socket, "new-session", "-d", "-s", "ai_mine", "sleep 1000"], { env: world.env });
    own("set-option", "-g", "status-left", "mine");
    before = look();
  });
  afterAll(() => world.dispose());

  it.each(KINDS.map((kind) => [kind.what, kind.umask, kind] as const))(
    "%s, umask %s: agents are made, listed, prompted, saved and killed, and nothing of it is touched",
    async (_what, umask, kind) => {
      const { env } = kind;
      const surroundings = env.TMUX === "INSIDE" ? { ...kind, env: { ...env, TMUX: `${socket},1,0` } } : kind;
      // biome-ignore lint/suspicious/noExplicitAny: what is in it is what the test finds out
      const ask = async (args: readonly string[], other: Partial<Surroundings> = {}): Promise<any> => {
        const answer = await fleet([...args, "--json"], { ...surroundings, ...other });
        expect({ args, ...answer }).toMatchObject({ args, code: 0 });
        return JSON.parse(answer.stdout);
      };
      const made = await ask(["create", "fix-ü", "--prompt", "hello ü [[dirty]]"]);
      expect(made.warnings).toEqual([]);
      await ask(["wait", "fix-ü", "--for", "idle", "--timeout", "60"]);
      expect((await ask(["list", "--changes"])).agents).toMatchObject([{ branch: "fix-ü", status: "idle", dirty: true }]);
      expect((await ask(["prompt", "fix-ü", "and ü again"])).results).toMatchObject([{ delivery: "delivered" }]);
      await ask(["wait", "fix-ü", "--for", "idle", "--timeout", "60"]);
      expect(promptsTaken(world).at(-1)?.text).toBe("and ü again");
      // The server goes on under the umask of the first.
      const later = await ask(["create", "later"], { umask: "026" });
      const umaskOf = ({ agent }: { agent: { pid: number } }) =>
        /^Umask:\s*0(.*)$/m.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))?.[1];
      expect([made, later].map(umaskOf)).toEqual([umask, "026"]);
      await ask(["kill", "later", "--force", "--yes"]);
      expect((await ask(["kill", "fix-ü", "--force", "--yes", "--delete-branch"])).killed).toMatchObject([{ branch: "fix-ü" }]);
      expect((await ask(["list"])).agents).toEqual([]);
      expect(existsSync(made.agent.worktree)).toBe(false);
      expect(look()).toEqual(before);
      expect(readdirSync(world.root).filter((name) => name.startsWith("canary-"))).toEqual([]);
    },
    60_000,
  );

  it("stays as it was after all of them", () => {
    expect(look()).toEqual(before);
    figure(
      "R12",
      `${KINDS.length} kinds of odd surroundings, typed in ${SHELLS.join(", ")}; a hostile git config, hooks, tmux.conf`,
      "all work; nothing changed, 0 canaries",
    );
  });
});
