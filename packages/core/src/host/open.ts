import { type ChildProcess, spawn } from "node:child_process";
import type { Channel, RunOptions } from "../ports/index.js";
import { startFailure } from "./child.js";
import { endGroup, forget, remember } from "./group.js";

/** How long a child has to end by itself once its input has ended, milliseconds. */
const LAST_INPUT_MS = 100;

/** Starts a long-lived child; rejects if it cannot be started. Aborting ends it. */
export async function openChild(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, "cwd"> & { readonly env: Readonly<Record<string, string>> },
  signal: AbortSignal | undefined,
): Promise<Channel> {
  const child = await start(argv, options);
  const { pid, stdin, stdout } = child;
  if (pid === undefined || stdin === null || stdout === null) throw startFailure(new Error("no process"), argv, options.cwd);
  remember(pid);
  stdin.on("error", () => {});
  stdout.on("error", () => {});
  stdout.setEncoding("utf8");

  const exit = new Promise<{ exitCode: number | null }>((resolve) => {
    child.once("exit", (exitCode) => resolve({ exitCode }));
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      signal?.removeEventListener("abort", close);
      stdin.end();
      // One that ends with its input leaves nothing that somebody else would have to wait for.
      await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, LAST_INPUT_MS).unref())]);
      await endGroup(pid);
      forget(pid);
      stdout.destroy();
      await exit;
    })();
    return closing;
  };
  void exit.then(() => forget(pid));
  if (signal?.aborted) await close();
  else signal?.addEventListener("abort", close, { once: true });

  return {
    pid,
    stdout: textOf(stdout),
    write: (text) => void (stdin.writable && stdin.write(text)),
    close,
    exit,
  };
}

async function start(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, "cwd"> & { readonly env: Readonly<Record<string, string>> },
): Promise<ChildProcess> {
  const [file, ...args] = argv;
  try {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      shell: false,
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    });
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    // From here on an error (a failed kill) is nobody's business.
    child.on("error", () => {});
    return child;
  } catch (error) {
    throw startFailure(error, argv, options.cwd);
  }
}

/** A stream's text; a stream that was destroyed by `close` simply ends. */
async function* textOf(stream: NodeJS.ReadableStream): AsyncIterable<string> {
  try {
    for await (const chunk of stream) yield String(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}
