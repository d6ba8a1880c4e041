import assert from "node:assert/strict";
import { isFleetError } from "../../errors/index.js";
import type { Host, RunResult } from "../../ports/index.js";
import { hostFilesCases } from "./host-files.js";
import { type ContractCase, type ContractSuite, until } from "./suite.js";

/** What the host's contract is run on. The host must have a POSIX `sh`, `cat`, `sleep` and `head`. */
export interface HostSubject {
  readonly host: Host;
  /** An empty folder on the host. */
  readonly folder: string;
}

/** Texts that some shell, format or encoding would change. */
const HOSTILE = [
  "",
  " ",
  "a b",
  "'",
  '"',
  "\\",
  "$(exit 9)",
  "`id`",
  "*",
  "~",
  "a\nb\t",
  "-n",
  "--",
  ";",
  "%s",
  "#{x}",
  "é漢🚀",
  "\x01\x7f",
  "=",
];

const sh = (script: string, ...args: string[]): [string, ...string[]] => ["/bin/sh", "-c", script, "sh", ...args];

const rejectsWith = (work: Promise<unknown>, code: "TIMEOUT" | "INTERRUPTED" | "TOOL_MISSING" | "DRIVER_FAILED") =>
  assert.rejects(work, (error) => isFleetError(error, code));

const runCases: readonly ContractCase<HostSubject>[] = [
  {
    name: "passes every argument exactly, whatever it holds",
    async run({ host }) {
      const result = await host.run(sh('printf "%s\\0" "$@"', ...HOSTILE));
      assert.equal(result.stdout, HOSTILE.map((text) => `${text}\0`).join(""));
    },
  },
  {
    name: "passes an argument of 100,000 bytes",
    async run({ host }) {
      assert.equal((await host.run(sh('printf "%s" "$1" | wc -c', "x".repeat(100_000)))).stdout.trim(), "100000");
    },
  },
  {
    name: "hands over 1 MB of input and takes 1 MB of output, byte for byte",
    async run({ host }) {
      const input = "0123456789abcdé\n".repeat(65_536);
      assert.equal((await host.run(["cat"], { input })).stdout, input);
    },
  },
  {
    name: "gives a program without input an empty stdin",
    async run({ host }) {
      assert.deepEqual((await host.run(["cat"], { timeoutMs: 5000 })).stdout, "");
      assert.deepEqual((await host.run(["cat"], { input: "", timeoutMs: 5000 })).stdout, "");
    },
  },
  {
    name: "outlives a program that does not read its input",
    async run({ host }) {
      const result = await host.run(sh("exit 3"), { input: "x".repeat(1_000_000) });
      assert.equal(result.exitCode, 3);
    },
  },
  {
    name: "reports exit code, signal, stdout and stderr as data",
    async run({ host }) {
      const failed = await host.run(sh("echo out; echo err >&2; exit 5"));
      assert.deepEqual(failed, { exitCode: 5, exitSignal: null, stdout: "out\n", stderr: "err\n" } satisfies RunResult);
      const killed = await host.run(sh("kill -9 $$"));
      assert.deepEqual([killed.exitCode, killed.exitSignal], [null, "SIGKILL"]);
    },
  },
  {
    name: "runs in the folder and with exactly the environment it is told",
    async run({ host, folder }) {
      const result = await host.run(sh('pwd -P; echo "$ONLY|$HOME"'), { cwd: folder, env: { PATH: host.env.PATH ?? "", ONLY: "a b" } });
      assert.equal(result.stdout, `${await host.files.realPath(folder)}\na b|\n`);
    },
  },
  {
    name: "says TOOL_MISSING for a program that is not installed, and names a folder that is not there",
    async run({ host, folder }) {
      await rejectsWith(host.run(["no-such-program-at-all"]), "TOOL_MISSING");
      await assert.rejects(
        host.run(["cat"], { cwd: `${folder}/gone` }),
        (error) => isFleetError(error, "DRIVER_FAILED") && error.message.includes("gone"),
      );
    },
  },
  {
    name: "ends a program that takes too long, with what it started, and says TIMEOUT",
    async run({ host, folder }) {
      await rejectsWith(host.run(sh('sleep 60 & echo $! > "$1/pid"; wait', folder), { timeoutMs: 300 }), "TIMEOUT");
      await assertGone(host, `${folder}/pid`);
    },
  },
  {
    name: "ends a program that falls silent, but not one that keeps printing",
    async run({ host }) {
      await rejectsWith(host.run(sh("echo hello; sleep 60"), { idleTimeoutMs: 300 }), "TIMEOUT");
      const busy = await host.run(sh("for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done"), { idleTimeoutMs: 450 });
      assert.equal(busy.stdout, "1\n2\n3\n4\n5\n6\n");
    },
  },
  {
    name: "ends a program on abort, one that ignores TERM as well, and rejects with the reason",
    async run({ host, folder }) {
      const control = new AbortController();
      const running = host.run(sh('trap "" TERM; echo $$ > "$1/pid"; sleep 60; sleep 60', folder), {}, { signal: control.signal });
      const rejected = assert.rejects(running, (error) => isFleetError(error, "INTERRUPTED") && error.cause === "enough");
      await until(() => host.files.read(`${folder}/pid`), Boolean, "the program to start");
      control.abort("enough");
      await rejected;
      await assertGone(host, `${folder}/pid`);
    },
  },
  {
    name: "starts nothing when the signal is aborted already",
    async run({ host, folder }) {
      await rejectsWith(host.run(sh('echo x > "$1/ran"', folder), {}, { signal: AbortSignal.abort() }), "INTERRUPTED");
      assert.equal(await host.files.stat(`${folder}/ran`), null);
    },
  },
  {
    name: "returns after a time limit although a process outside the group holds the pipes open",
    async run({ host, folder }) {
      const daemon = '(setsid sleep 60 & echo $! > "$1/pid") 2>/dev/null; sleep 60';
      const began = Date.now();
      await rejectsWith(host.run(sh(daemon, folder), { timeoutMs: 300 }), "TIMEOUT");
      assert.ok(Date.now() - began < 5000);
      await killByFile(host, `${folder}/pid`);
    },
  },
  {
    name: "returns a program's result although a process it left behind holds the pipes open",
    async run({ host, folder }) {
      const began = Date.now();
      const result = await host.run(sh('sleep 60 & echo $! > "$1/pid"; echo done', folder));
      assert.equal(result.stdout, "done\n");
      assert.ok(Date.now() - began < 5000);
      await killByFile(host, `${folder}/pid`);
    },
  },
  {
    name: "keeps the last bytes only, where it is told to",
    async run({ host }) {
      const result = await host.run(sh("head -c 3000000 /dev/zero | tr '\\0' x; echo end; echo short >&2"), { keepBytes: 10 });
      assert.equal(result.stdout, "xxxxxxend\n");
      assert.equal(result.stderr, "short\n");
    },
  },
];

const openCases: readonly ContractCase<HostSubject>[] = [
  {
    name: "holds a conversation with a long-lived child and ends it on close",
    async run({ host }) {
      const channel = await host.open(["cat"]);
      channel.write("one\n");
      const reader = channel.stdout[Symbol.asyncIterator]();
      assert.deepEqual(await reader.next(), { done: false, value: "one\n" });
      await channel.close();
      await channel.close();
      assert.equal((await reader.next()).done, true);
      channel.write("too late\n");
      await channel.exit;
    },
  },
  {
    name: "ends the output and tells the exit code when the child ends",
    async run({ host }) {
      const channel = await host.open(sh("echo bye; exit 4"));
      let text = "";
      for await (const chunk of channel.stdout) text += chunk;
      assert.equal(text, "bye\n");
      assert.deepEqual(await channel.exit, { exitCode: 4 });
      await channel.close();
    },
  },
  {
    name: "ends a long-lived child on abort, and says TOOL_MISSING where there is none",
    async run({ host }) {
      const control = new AbortController();
      const channel = await host.open(["sleep", "60"], {}, { signal: control.signal });
      control.abort();
      await channel.exit;
      await rejectsWith(host.open(["no-such-program-at-all"]), "TOOL_MISSING");
    },
  },
];

async function assertGone(host: Host, pidFile: string): Promise<void> {
  const pid = Number(await host.files.read(pidFile));
  assert.ok(pid > 1, "the program wrote its pid");
  await until(
    () => host.run(sh("kill -0 $1 2>/dev/null", String(pid))),
    (result) => result.exitCode !== 0,
    `process ${pid} to be gone`,
  );
}

async function killByFile(host: Host, pidFile: string): Promise<void> {
  const pid = Number(await host.files.read(pidFile));
  assert.ok(pid > 1, "the program wrote its pid");
  await host.run(["kill", "-9", String(pid)]);
}

/**
 * The promises of a host's files alone, for hosts that run no real programs. Two cases make a link by
 * running `ln -s TARGET LINK`.
 */
export const hostFilesContract: ContractSuite<HostSubject> = { port: "HostFiles", cases: hostFilesCases };

/** The promises of {@link Host}, those of its files included. */
export const hostContract: ContractSuite<HostSubject> = { port: "Host", cases: [...runCases, ...openCases, ...hostFilesCases] };
