import * as fs from "node:fs";
import { copyFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { throwIfAborted, toFleetError } from "../errors/index.js";
import { elapsedMs } from "../model/index.js";
import { type Call, STAT_WORDS, type TreeEntry } from "../ports/index.js";
import { type Filled, type FillJob, fillFolders } from "./fill-folders.js";

/** A file from this size on is copied by the system, which shares its blocks where the file system can, bytes. */
const LARGE = 64 * 1024;
/** How long the process may be busy at a stretch, milliseconds: signals and other work come in between. */
const SLICE_MS = 4;
/** So much older than now are the files, seconds: git looks again into every file that is as new as its index. */
const AGE_S = 2;
/** For fewer files a thread of their own gains nothing: it takes as long to start. */
const WORTH_A_THREAD = 6000;
const MOST_THREADS = 4;

const COPY = fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE;

/** See {@link HostFiles.replicate}. Synchronous, in slices and in other threads: a file takes some microseconds, and its way through the thread pool several times as long. */
export async function replicate(
  from: string,
  entries: readonly TreeEntry[],
  known: Uint32Array,
  to: readonly string[],
  call: Call = {},
  worthAThread = WORTH_A_THREAD,
): Promise<readonly (Uint32Array | Error)[]> {
  throwIfAborted(call.signal);
  const time = Math.floor(Date.now() / 1000) - AGE_S;
  const worth = Math.floor((entries.length * to.length) / worthAThread);
  const threads = Math.max(1, Math.min(worth, to.length, availableParallelism(), MOST_THREADS));
  // This thread has the smallest share: it has other things to do.
  const shares = Array.from({ length: threads }, (_, i) => to.slice((to.length * i) / threads, (to.length * (i + 1)) / threads));
  const jobs = shares.map((folders): FillJob => ({ from, entries, known, stride: STAT_WORDS, to: folders, time, large: LARGE }));
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  call.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const [own, ...others] = jobs as [FillJob, ...FillJob[]];
    const running = [...others.map((job) => fillInThread(job, stop.signal)), fillHere(own, call)];
    running[running.length - 1]?.catch(onAbort);
    const results = await Promise.allSettled(running);
    throwIfAborted(call.signal);
    const filled = [results.at(-1), ...results.slice(0, -1)];
    return shares.flatMap((folders, i) => {
      const result = filled[i];
      if (result?.status === "fulfilled") return result.value.map(({ words, failed }) => (failed === null ? words : toFleetError(failed)));
      return folders.map(() => toFleetError(result?.reason));
    });
  } finally {
    call.signal?.removeEventListener("abort", onAbort);
  }
}

async function fillHere(job: FillJob, call: Call): Promise<readonly Filled[]> {
  const steps = fillFolders(fs, job);
  let began = elapsedMs();
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    const { value: file } = step;
    if (file !== null) {
      const copies = file.places.map((place) => copyFile(file.source, place, COPY).then(() => null));
      file.errors = await Promise.all(copies.map((copy) => copy.catch((error: Error) => error)));
    } else if (elapsedMs() - began < SLICE_MS) continue;
    else await new Promise((resolve) => setImmediate(resolve));
    throwIfAborted(call.signal);
    began = elapsedMs();
  }
}

/** The same in a thread of its own, which ends before this settles. */
async function fillInThread(job: FillJob, signal: AbortSignal): Promise<readonly Filled[]> {
  const worker = new Worker(threadText(), { eval: true, workerData: { job, copy: COPY }, execArgv: [] });
  const end = () => void worker.terminate();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      let filled: readonly Filled[] | null = null;
      worker.once("message", (message: readonly Filled[]) => {
        filled = message;
      });
      worker.once("error", reject);
      worker.once("exit", () => (filled === null ? reject(new Error("The thread that copies was ended.")) : resolve(filled)));
    });
  } finally {
    signal.removeEventListener("abort", end);
  }
}

function threadText(): string {
  return `
    const fs = require("node:fs");
    const { parentPort, workerData: { job, copy } } = require("node:worker_threads");
    const fillFolders = ${fillFolders.toString()};
    const attempt = (file, place) => {
      try { fs.copyFileSync(file.source, place, copy); return null; } catch (error) { return error; }
    };
    const steps = fillFolders(fs, job);
    let step = steps.next();
    for (; !step.done; step = steps.next()) if (step.value) step.value.errors = step.value.places.map((place) => attempt(step.value, place));
    parentPort.postMessage(step.value, step.value.map(({ words }) => words.buffer));
  `;
}
