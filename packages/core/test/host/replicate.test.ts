import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { replicate } from "../../src/host/replicate.js";
import { STAT_WORDS, type TreeEntry } from "../../src/ports/index.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
beforeEach(() => {
  world = makeWorld("replicate");
});
afterEach(() => world.dispose());

const FILES = 350;
/** So few files are worth a thread here, that there is more than one of them where there is more than one processor. */
const WORTH = 200;

/** A folder of many files, one of them large; how each is; and three empty folders. */
function scene() {
  const from = join(world.root, "from");
  const entries: TreeEntry[] = [];
  const known = new Uint32Array(FILES * STAT_WORDS);
  for (let i = 0; i < FILES; i++) {
    const path = `d${i % 7}/f${i}`;
    if (i < 7) mkdirSync(join(from, `d${i}`), { recursive: true });
    writeFileSync(join(from, path), i === 3 ? "large".repeat(50_000) : `file ${i}`);
    entries.push({ path: i % 2 === 0 ? path : Buffer.from(path), kind: i % 5 === 0 ? "program" : "file" });
    known.set(wordsOf(join(from, path)), i * STAT_WORDS);
  }
  const to = ["one", "two", "three"].map((name) => join(world.root, name));
  for (const folder of to) mkdirSync(folder);
  return { from, entries, known, to };
}

function wordsOf(path: string): number[] {
  const { ctimeNs, mtimeNs, dev, ino, mode, uid, gid, size } = lstatSync(path, { bigint: true });
  const second = 1_000_000_000n;
  const times = [ctimeNs / second, ctimeNs % second, mtimeNs / second, mtimeNs % second];
  return [...times, dev, ino, mode, uid, gid, size].map((value) => Number(BigInt.asUintN(32, value)));
}

/** Threads of this process that are at work. */
const threads = () => process.getActiveResourcesInfo().filter((name) => name === "Worker");

it("copies files into several folders, and says how each of them is", async () => {
  const { from, entries, known, to } = scene();
  const results = await replicate(from, entries, known, to, {}, WORTH);
  for (const [n, folder] of to.entries()) {
    const words = results[n] as Uint32Array;
    for (const i of [0, 3, 5, 100, FILES - 1]) {
      const path = String(entries[i]?.path);
      expect(readFileSync(join(folder, path), "utf8")).toBe(readFileSync(join(from, path), "utf8"));
      expect([...words.subarray(i * STAT_WORDS, (i + 1) * STAT_WORDS)]).toEqual(wordsOf(join(folder, path)));
      expect(statSync(join(folder, path)).mode & 0o111).toBe(i % 5 === 0 ? 0o111 : 0);
    }
    expect(readdirSync(folder, { recursive: true })).toHaveLength(FILES + 7);
  }
});

it("goes on with the others where one folder takes no file", async () => {
  const { from, entries, known, to } = scene();
  writeFileSync(join(to[1] as string, "d4"), "in the way");
  const results = await replicate(from, entries, known, to, {}, WORTH);
  expect(results.map((result) => result instanceof Uint32Array)).toEqual([true, false, true]);
});

it("hands out nothing of a folder in which a file is not as it was, and ends all its threads", async () => {
  const { from, entries, known, to } = scene();
  writeFileSync(join(from, "d1/f1"), "others");
  const results = await replicate(from, entries, known, to, {}, WORTH);
  expect(results.map((result) => result instanceof Error)).toEqual([true, true, true]);
  expect(threads()).toEqual([]);
});

it("stops in the middle when the caller aborts, in every thread", async () => {
  const { from, entries, known, to } = scene();
  const abort = new AbortController();
  const copying = replicate(from, entries, known, to, { signal: abort.signal }, WORTH);
  abort.abort();
  await expect(copying).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(threads()).toEqual([]);
  for (const folder of to) expect(readdirSync(folder, { recursive: true }).length).toBeLessThan(FILES);
});
