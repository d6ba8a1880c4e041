import { readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homePaths } from "../../src/config/paths.js";
import { fileTrust } from "../../src/config/trust.js";
import { makeLocks } from "../store/support.js";
import { makeWorld, type World } from "../support/world.js";

const [ONE, TWO] = ["1".repeat(64), "2".repeat(64)];

let world: World;
beforeEach(() => {
  world = makeWorld("trust");
});
afterEach(() => world.dispose());

const trust = () => fileTrust({ paths: homePaths(world.fleetHome), locks: makeLocks(), now: () => 0 });

describe("trust in project files", () => {
  it("is by path and content, can be listed and taken back", async () => {
    expect(await trust().list()).toEqual([]);
    expect(await trust().isTrusted("/a", ONE)).toBe(false);
    const entry = { path: "/a", hash: ONE, repo: "", trustedAt: "1970-01-01T00:00:00.000Z" };
    expect(await trust().add("/a", ONE)).toEqual(entry);
    expect(await trust().list()).toEqual([entry]);
    expect(await trust().isTrusted("/a", ONE)).toBe(true);
    expect(await trust().isTrusted("/a", TWO)).toBe(false);
    expect(await trust().isTrusted("/b", ONE)).toBe(false);
    expect(await trust().isTrusted("/a", ONE, "another repository")).toBe(false);
    expect(await trust().revoke("/b")).toBe(false);
    expect(await trust().revoke("/a")).toBe(true);
    expect(await trust().isTrusted("/a", ONE)).toBe(false);
  });

  it("in new content takes the place of that in the old", async () => {
    await trust().add("/a", ONE);
    await trust().add("/a", TWO);
    expect(await trust().isTrusted("/a", ONE)).toBe(false);
    expect(await trust().list()).toHaveLength(1);
  });

  it("loses nothing of many at once, in a file of the user's alone", async () => {
    await Promise.all(Array.from({ length: 12 }, (_, at) => trust().add(`/p${at}`, ONE)));
    expect(await trust().list()).toHaveLength(12);
    expect(statSync(homePaths(world.fleetHome).trust).mode & 0o777).toBe(0o600);
  });

  it.each(["", "{", "[]", '{"version":2,"projects":[]}', '{"version":1,"projects":[{"path":1}]}'])(
    "is neither guessed nor overwritten when its file is broken: %j",
    async (text) => {
      const file = world.write(homePaths(world.fleetHome).trust, text);
      for (const work of [trust().list(), trust().isTrusted("/a", ONE), trust().add("/a", ONE), trust().revoke("/a")]) {
        await expect(work).rejects.toMatchObject({ code: "STATE_UNREADABLE" });
      }
      expect(readFileSync(file, "utf8")).toBe(text);
    },
  );
});
