import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readManyKept } from "../../src/host/kept-reads.js";

let folder: string;
let file: string;
let kept: Map<string, { text: string }>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-kept-"));
  file = join(folder, "mark");
  writeFileSync(file, "one");
  kept = new Map();
  // The next moment, as the file system counts them.
  const clock = join(folder, "clock");
  do writeFileSync(clock, "");
  while (statSync(clock).ctimeMs === statSync(file).ctimeMs);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As if the file had not changed for a while. */
const later = () => Date.now() + 10_000;
const read = (now = later()) => readManyKept([file], kept, now)[0];
/** Puts another text where the file's own is kept: whoever answers with it has not read the file. */
function plant(): void {
  const entry = kept.get(file);
  if (entry === undefined) throw new Error("nothing is kept");
  kept.set(file, { ...entry, text: "planted" });
}

describe("a file that is read again and again", () => {
  it("is read once for as long as nothing of it changes", () => {
    expect(read()).toBe("one");
    plant();
    expect([read(), read()]).toEqual(["planted", "planted"]);
  });

  it.each([
    ["written in place, its length and time as they were", () => writeFileSync(file, "two")],
    ["replaced by another of the same length and time", () => replace("two")],
    ["longer", () => writeFileSync(file, "one and more")],
  ])("is read anew when it was %s", (_, change) => {
    const { atime, mtime } = statSync(file);
    read();
    plant();
    change();
    utimesSync(file, atime, mtime);
    expect(read()).toBe(readFileSync(file, "utf8"));
  });

  it("is not there any more when it was removed, and is forgotten", () => {
    read();
    rmSync(file);
    expect([read(), kept.size]).toEqual([null, 0]);
  });

  it("is read each time while it is so new that a change need not show", () => {
    expect([read(Date.now()), kept.size]).toEqual(["one", 0]);
  });

  it("is read each time behind a link", () => {
    renameSync(file, join(folder, "real"));
    symlinkSync("real", file);
    expect([read(), kept.size]).toEqual(["one", 0]);
  });
});

function replace(text: string): void {
  writeFileSync(join(folder, "new"), text);
  renameSync(join(folder, "new"), file);
}
