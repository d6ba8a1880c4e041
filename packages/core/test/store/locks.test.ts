import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, processesOf, settle, type World } from "../support/world.js";
import { buildWorker, ended, makeLocks, startWorker, untilHeld } from "./support.js";

describe("a lock between processes", () => {
  let world: World;
  let worker: string;
  let thing: string;

  beforeAll(async () => {
    world = makeWorld("locks");
    worker = await buildWorker();
    await world.dispose();
  });
  afterAll(() => rmSync(worker, { force: true }));
  beforeEach(() => {
    world = makeWorld("locks");
    mkdirSync(world.fleetHome);
    thing = join(world.fleetHome, "thing");
  });
  afterEach(() => world.dispose());

  it("is taken over at once from a holder that was killed", async () => {
    const holder = startWorker(world, worker, "hold", world.fleetHome);
    await untilHeld(holder);
    // Loaded before, so that what is measured is the takeover.
    await makeLocks().hold(join(world.fleetHome, "other"), async () => undefined);
    holder.kill("SIGKILL");
    await ended(holder);
    const began = performance.now();
    await makeLocks().hold(thing, async () => undefined);
    expect(performance.now() - began).toBeLessThan(1000);
    expect(leftovers(world.fleetHome)).toEqual([]);
  });

  it("tells whether another had it first", async () => {
    const [mine, other] = [makeLocks(), makeLocks()];
    let letGo: (() => void) | undefined;
    const first = mine.hold(thing, async ({ waited }) => {
      await new Promise<void>((resolve) => (letGo = resolve));
      return waited;
    });
    const second = other.hold(thing, async ({ waited }) => waited);
    while (letGo === undefined) await new Promise((resolve) => setImmediate(resolve));
    letGo();
    expect([await first, await second]).toEqual([false, true]);
  });

  it("that a killed holder left is swept, with the halves of others; one that is held stays", async () => {
    const holder = startWorker(world, worker, "hold", world.fleetHome);
    await untilHeld(holder);
    const half = `${thing}.lock.p${holder.pid}-0123456789abcdef`;
    mkdirSync(half);
    mkdirSync(`${half}.gone`);
    mkdirSync(`${half}.guard`);
    writeFileSync(join(`${half}.guard`, "owner"), readFileSync(join(`${thing}.lock`, "owner")));
    const sweep = () => makeLocks().sweep(world.fleetHome, readdirSync(world.fleetHome));
    const before = leftovers(world.fleetHome);
    await sweep();
    expect(leftovers(world.fleetHome)).toEqual(before);
    holder.kill("SIGKILL");
    await ended(holder);
    await sweep();
    expect(leftovers(world.fleetHome)).toEqual([]);
  });

  it("is never taken from a holder that is suspended, and frees when that one ends", async () => {
    const holder = startWorker(world, worker, "hold", world.fleetHome);
    await untilHeld(holder);
    holder.kill("SIGSTOP");
    const failure = await makeLocks()
      .hold(thing, async () => "robbed", { timeoutMs: 400 })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "LOCKED", message: expect.stringContaining(String(holder.pid)) });
    holder.kill("SIGKILL");
    await ended(holder);
    expect(await makeLocks().hold(thing, async () => "free")).toBe("free");
  });

  it("is kept by a holder whose event loop is blocked", async () => {
    const holder = startWorker(world, worker, "block", world.fleetHome);
    await untilHeld(holder);
    await makeLocks().hold(thing, async () => writeFileSync(join(world.fleetHome, "order"), "second\n", { flag: "a" }));
    expect(readFileSync(join(world.fleetHome, "order"), "utf8")).toBe("blocked\nsecond\n");
    expect(await ended(holder)).toBe(0);
  });

  it("is held by one of many processes at a time, though all wait for one that is killed", async () => {
    const killed = startWorker(world, worker, "hold", world.fleetHome);
    await untilHeld(killed);
    const workers = Array.from({ length: 16 }, (_, at) => startWorker(world, worker, "enter", world.fleetHome, String(at)));
    // The first of them have asked for the lock by the time the last has started.
    await settle(
      () => workers.every((one) => one.pid !== undefined && processesOf(world.root).includes(one.pid)),
      (started) => started,
    );
    killed.kill("SIGKILL");
    expect(await Promise.all(workers.map(ended))).toEqual(workers.map(() => 0));
    const order = readFileSync(join(world.fleetHome, "order"), "utf8").trim().split("\n");
    expect(order).toHaveLength(32);
    for (let at = 0; at < order.length; at += 2) expect(order[at + 1]).toBe(order[at]?.replace("in", "out"));
    expect(leftovers(world.fleetHome)).toEqual([]);
  });

  it("lets one caller of a process in after the other, in their order", async () => {
    const locks = makeLocks();
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      [1, 2, 3, 4, 5].map((n) =>
        locks.hold(thing, async () => {
          expect(++inside).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
          order.push(n);
        }),
      ),
    );
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it("is given up with LOCKED, and a waiting caller can be interrupted, inside a process as well", async () => {
    const locks = makeLocks();
    const stop = new AbortController();
    await locks.hold(thing, async () => {
      await expect(locks.hold(thing, async () => undefined, { timeoutMs: 30 })).rejects.toMatchObject({ code: "LOCKED" });
      const waiting = locks.hold(thing, async () => undefined, {}, { signal: stop.signal });
      stop.abort("enough");
      await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED", cause: "enough" });
    });
    expect(await locks.hold(thing, async () => "free")).toBe("free");
  });

  it("can be interrupted while another process holds it", async () => {
    const holder = startWorker(world, worker, "hold", world.fleetHome);
    await untilHeld(holder);
    const stop = new AbortController();
    const waiting = makeLocks().hold(thing, async () => undefined, {}, { signal: stop.signal });
    setImmediate(() => stop.abort("enough"));
    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
    holder.kill("SIGKILL");
    await ended(holder);
  });

  it("is released when the work fails, with the work's own error", async () => {
    const failure = new Error("no");
    await expect(makeLocks().hold(thing, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(leftovers(world.fleetHome)).toEqual([]);
  });

  it("leaves a lock alone that is somebody else's by now, and does not crash over it", async () => {
    const lock = `${thing}.lock`;
    const foreign = { pid: process.pid, start: "1", boot: "x", host: "another-machine", namespace: "", nonce: "theirs" };
    await makeLocks().hold(thing, async () => {
      rmSync(lock, { recursive: true });
      mkdirSync(lock);
      writeFileSync(join(lock, "owner"), JSON.stringify(foreign));
    });
    expect(JSON.parse(readFileSync(join(lock, "owner"), "utf8"))).toEqual(foreign);
  });

  it("of another boot is dead, of another machine only when it has been silent for long", async () => {
    const lock = `${thing}.lock`;
    const owner = (change: object) =>
      JSON.stringify({ pid: 1, start: "1", boot: "old", host: hostname(), namespace: "", nonce: "n1", ...change });
    mkdirSync(lock);
    writeFileSync(join(lock, "owner"), owner({}));
    expect(await makeLocks().hold(thing, async () => "free", { timeoutMs: 200 })).toBe("free");
    mkdirSync(lock);
    writeFileSync(join(lock, "owner"), owner({ host: "elsewhere" }));
    await expect(makeLocks().hold(thing, async () => "free", { timeoutMs: 100 })).rejects.toMatchObject({ code: "LOCKED" });
    const long = new Date(Date.now() - 120_000);
    utimesSync(lock, long, long);
    expect(await makeLocks().hold(thing, async () => "free", { timeoutMs: 200 })).toBe("free");
  });

  it("is taken over although the one that was taking it over was killed, too", async () => {
    const lock = `${thing}.lock`;
    const dead = (nonce: string) => JSON.stringify({ pid: 1, start: "1", boot: "old", host: hostname(), namespace: "", nonce });
    for (const [folder, nonce] of [
      [lock, "n1"],
      [`${lock}.n1.guard`, "n2"],
    ] as const) {
      mkdirSync(folder);
      writeFileSync(join(folder, "owner"), dead(nonce));
    }
    expect(await makeLocks().hold(thing, async () => "free", { timeoutMs: 2000 })).toBe("free");
    await settle(
      () => leftovers(world.fleetHome),
      (names) => names.length === 0,
      500,
    );
    expect(leftovers(world.fleetHome)).toEqual([]);
  });

  it("makes the folder it lies in", async () => {
    const deep = join(world.fleetHome, "a", "b", "thing");
    await makeLocks().hold(deep, async () => expect(existsSync(`${deep}.lock`)).toBe(true));
  });
});

function leftovers(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.includes(".lock"));
}
