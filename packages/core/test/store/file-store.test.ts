import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type StoreSubject, sampleRecord, storeContract } from "../../src/testing/contracts/store.js";
import { memoryStore } from "../../src/testing/memory/store.js";
import { makeWorld, type World } from "../support/world.js";
import { buildWorker, ended, makeStore, startWorker } from "./support.js";

const subjects: Record<string, (world: World) => StoreSubject> = {
  file: (world) => ({ store: makeStore(world.fleetHome) }),
  memory: () => ({ store: memoryStore() }),
};

let world: World;
beforeEach(() => {
  world = makeWorld("store");
});
afterEach(() => world.dispose());

for (const [name, make] of Object.entries(subjects)) {
  describe(`${storeContract.port} on ${name}`, () => {
    for (const one of storeContract.cases) it(one.name, () => one.run(make(world)));
  });
}

describe("the registry's file", () => {
  const state = (): string => join(world.fleetHome, "state.json");
  const broken = (): string[] => readdirSync(world.fleetHome).filter((name) => name.startsWith("state.json.broken-"));
  const fill = (...ids: string[]) =>
    makeStore(world.fleetHome).update((draft) => void draft.agents.push(...ids.map((id) => sampleRecord(id))));

  // Starting 64 of them is the machine's matter, and may take it as long as it likes.
  it("loses nothing of 64 processes that write at once", { timeout: 300_000 }, async () => {
    const worker = await buildWorker();
    const ids = Array.from({ length: 64 }, (_, at) => `a${at}`);
    const codes = await Promise.all(ids.map((id) => ended(startWorker(world, worker, "add", world.fleetHome, id))));
    rmSync(worker, { force: true });
    expect(codes).toEqual(ids.map(() => 0));
    const { agents, problems } = await makeStore(world.fleetHome).read();
    expect(problems).toEqual([]);
    expect(agents.map((agent) => agent.id).sort()).toEqual([...ids].sort());
  });

  it("and its folder are the user's alone, whatever the umask", async () => {
    await fill("a1");
    chmodSync(state(), 0o644);
    await fill("a2");
    expect(statSync(state()).mode & 0o777).toBe(0o600);
    expect(statSync(world.fleetHome).mode & 0o777).toBe(0o700);
    expect(readdirSync(world.fleetHome)).toEqual(["state.json"]);
  });

  it("is not written when nothing changed", async () => {
    await fill("a1");
    const before = statSync(state());
    await makeStore(world.fleetHome).update((draft) => {
      draft.agents = draft.agents.map((agent) => ({ ...agent }));
    });
    expect(statSync(state()).ino).toBe(before.ino);
    expect(statSync(state()).mtimeMs).toBe(before.mtimeMs);
  });

  it("is healed wherever it was cut, and the cut one is kept aside", async () => {
    await fill("a1");
    const whole = readFileSync(state());
    for (let bytes = 0; bytes < whole.length - 1; bytes++) {
      writeFileSync(state(), whole.subarray(0, bytes));
      const store = makeStore(world.fleetHome);
      const found = await store.read();
      expect(found.problems, `cut at ${bytes}`).toHaveLength(1);
      expect(found.agents).toEqual([]);
      expect(broken()).toEqual([]);
      // Every 40th is healed for real: each one waits for the disk.
      if (bytes % 40 !== 0) continue;
      await store.update((draft) => void draft.agents.push(sampleRecord("new")));
      const healed = await store.read();
      expect(healed.problems).toEqual([]);
      expect(healed.agents.map((agent) => agent.id)).toEqual(["new"]);
      expect(broken()).toHaveLength(1);
      const copy = join(world.fleetHome, broken()[0] ?? "");
      expect(readFileSync(copy)).toEqual(whole.subarray(0, bytes));
      expect(statSync(copy).mode & 0o777).toBe(0o600);
      rmSync(copy);
    }
  });

  it.each([
    ["garbage", "\x00\xff not json"],
    ["a list", "[]"],
    ["null", "null"],
    ["no version", '{"agents":[],"repositories":[]}'],
    ["agents that are no list", '{"version":1,"agents":{},"repositories":[]}'],
    ["only blanks", " \n"],
  ])("that holds %s is read as empty, said so, and kept aside by the next change, even one that changes nothing", async (_, text) => {
    mkdirSync(world.fleetHome);
    writeFileSync(state(), text);
    const store = makeStore(world.fleetHome);
    expect((await store.read()).problems).toEqual([expect.stringContaining(state())]);
    await store.update(() => undefined);
    expect(await store.read()).toEqual({ agents: [], repositories: [], problems: [] });
    expect(broken()).toHaveLength(1);
  });

  it("keeps the records that are whole beside one that is not", async () => {
    await fill("a1", "a2");
    const text = JSON.parse(readFileSync(state(), "utf8")) as { agents: object[] };
    writeFileSync(state(), JSON.stringify({ ...text, agents: [text.agents[0], { id: 7 }, null, text.agents[1]] }));
    const found = await makeStore(world.fleetHome).read();
    expect(found.agents.map((agent) => agent.id)).toEqual(["a1", "a2"]);
    expect(found.problems).toHaveLength(1);
  });

  it("of a newer version is refused and left as it is", async () => {
    mkdirSync(world.fleetHome);
    const text = '{"version":99,"agents":[],"repositories":[]}';
    writeFileSync(state(), text);
    const store = makeStore(world.fleetHome);
    await expect(store.read()).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
    await expect(store.update((draft) => void draft.agents.push(sampleRecord("a1")))).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
    expect(readFileSync(state(), "utf8")).toBe(text);
    expect(broken()).toEqual([]);
  });

  it("that cannot be read is an error, not an empty registry", async () => {
    world.write(world.fleetHome, "a file where the home should be");
    await expect(makeStore(world.fleetHome).read()).rejects.toMatchObject({ code: "DRIVER_FAILED" });
  });

  it("that is a folder is kept aside, and a file takes its place", async () => {
    mkdirSync(state(), { recursive: true });
    const store = makeStore(world.fleetHome);
    expect((await store.read()).problems).toHaveLength(1);
    await store.update(() => undefined);
    expect((await store.read()).problems).toEqual([]);
    expect(readdirSync(world.fleetHome).filter((name) => name.startsWith("state.json.broken-"))).toHaveLength(1);
  });
});
