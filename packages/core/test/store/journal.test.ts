import { appendFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileJournal } from "../../src/drivers/store/index.js";
import { RUN_MARK } from "../../src/host/index.js";
import type { Step } from "../../src/ports/index.js";
import { memoryJournal } from "../../src/testing/memory/store.js";
import { makeWorld, type World } from "../support/world.js";

const MAKER = { pid: 4711, start: "77", boot: "b" };
const STEPS: Step[] = [
  { kind: "record", agent: "a1" },
  { kind: "worktree", commonDir: "/r/.git", repo: "/r", path: "/w/é \n", agent: "a1", branch: "b", madeBranchAt: null },
  { kind: "session", agent: "a1" },
];

let world: World;
let folder: string;
beforeEach(() => {
  world = makeWorld("journal");
  folder = join(world.fleetHome, "journal");
});
afterEach(() => world.dispose());

describe.each(["file", "memory"])("the journal (%s)", (kind) => {
  it("shows every step of an open transaction to others, and nothing of a closed one", async () => {
    const journal = kind === "file" ? fileJournal(folder) : memoryJournal();
    const others = kind === "file" ? fileJournal(folder) : journal;
    expect(await others.pending()).toEqual([]);
    const before = Date.now();
    const entry = await journal.begin(MAKER);
    const [begun] = await others.pending();
    expect(begun).toEqual({
      id: expect.any(String),
      run: kind === "file" ? RUN_MARK.value : null,
      maker: MAKER,
      begunAt: expect.any(Number),
      steps: [],
    });
    expect(begun?.begunAt).toBeGreaterThanOrEqual(before);
    expect(begun?.begunAt).toBeLessThanOrEqual(Date.now());
    for (const step of STEPS) await entry.did(step);
    expect((await others.pending())[0]?.steps).toEqual(STEPS);
    const second = await journal.begin(MAKER);
    await entry.close();
    const [left] = await others.pending();
    expect(await others.pending()).toHaveLength(1);
    expect(left?.steps).toEqual([]);
    await others.forget(left?.id ?? "");
    expect(await others.pending()).toEqual([]);
    await second.close();
  });
});

describe("the journal's files", () => {
  it("are the user's alone", async () => {
    await (await fileJournal(folder).begin(MAKER)).did(STEPS[0] as Step);
    const [name = ""] = readdirSync(folder);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it("survive a torn last line: that step had not begun", async () => {
    const journal = fileJournal(folder);
    const entry = await journal.begin(MAKER);
    await entry.did(STEPS[0] as Step);
    const [name = ""] = readdirSync(folder);
    appendFileSync(join(folder, name), '{"kind":"worktree","commonDir":"/r/.g');
    expect(await journal.pending()).toMatchObject([{ maker: MAKER, steps: [STEPS[0]] }]);
  });

  it("are passed over where they name no maker", async () => {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of [
      ["empty.jsonl", ""],
      ["torn.jsonl", '{"maker":{"pi'],
      ["other.jsonl", '{"kind":"record","agent":"a1"}\n'],
      ["new.jsonl.new", "x"],
    ] as const) {
      writeFileSync(join(folder, name), text);
    }
    expect(await fileJournal(folder).pending()).toEqual([]);
  });

  it("are not left by a path in an id", async () => {
    const precious = world.write(join(world.fleetHome, "state.jsonl"), "x");
    await fileJournal(folder).forget("../state");
    expect(statSync(precious).size).toBe(1);
  });
});
