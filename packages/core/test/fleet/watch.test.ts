import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reporter } from "../../src/agents/hooks.js";
import type { Fleet, FleetEvent, SessionDriver } from "../../src/index.js";
import { hooked } from "../agents/support/hooked.js";
import { openFleet } from "../support/demo.js";
import { makeWorld, settle, type World } from "../support/world.js";

const COUNT = 8;

/** What is told of a fleet from some moment on, with when it was told. */
class Told {
  readonly events: { readonly event: FleetEvent; readonly at: number }[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;

  constructor(fleet: Fleet) {
    this.#done = (async () => {
      for await (const event of fleet.events({ signal: this.#abort.signal })) this.events.push({ event, at: Date.now() });
    })().catch(() => undefined);
  }

  /** Branches told to have become this, each with how long after `since` that was. */
  became(status: string, since: number): ReadonlyMap<string, number> {
    const news = this.events.filter(({ event, at }) => event.type === "agent.status" && event.to === status && at >= since);
    return new Map(news.map(({ event, at }) => [event.agent.branch, at - since]));
  }

  async end(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}

describe("a fleet that is watched", () => {
  let world: World;
  let fleet: Fleet;
  let told: Told;
  const asked = { list: 0, screens: 0 };
  beforeAll(async () => {
    world = makeWorld("watched");
    const counted = (real: SessionDriver): SessionDriver => ({
      ...real,
      list: (call) => {
        asked.list += 1;
        return real.list(call);
      },
      screens: (ids, options, call) => {
        asked.screens += 1;
        return real.screens(ids, options, call);
      },
    });
    const adapters = [hooked("good", join(world.root, "taken.jsonl"))];
    fleet = await openFleet(world, world.repo(), { adapters, sessions: counted });
    for (let n = 1; n <= COUNT; n++) await fleet.createAgent({ branch: `a-${n}`, adapter: "hooked" });
    await fleet.wait({ all: true }, { timeout: 20_000 });
    told = new Told(fleet);
    await settle(
      () => told.events.length,
      (count) => count >= COUNT,
    );
  }, 60_000);
  afterAll(async () => {
    await told.end();
    await fleet.kill({ all: true }, { force: true });
    await world.dispose();
  });

  /** Until nothing has been told for so long. */
  const quiet = (ms: number) =>
    settle(
      () => Date.now() - (told.events.at(-1)?.at ?? 0),
      (passed) => passed > ms,
      ms + 5000,
    );
  /** As the programs' own hooks do it. */
  const report = (kind: string, body: object) => {
    for (let n = 1; n <= COUNT; n++) {
      const folder = join(world.root, "repo", ".git", "worktrees", `a-${n}`, "fleet-reports");
      const { status } = spawnSync("/bin/sh", ["-c", reporter(kind)], {
        input: JSON.stringify({ session_id: `talk-${n}`, ...body }),
        env: { PATH: process.env.PATH, AIFLEET_REPORTS: folder },
      });
      expect(status).toBe(0);
    }
  };

  it("tells within a second what programs report of themselves, all at once", async () => {
    report("PermissionRequest", { tool_name: "Bash", tool_input: { command: "npm test" } });
    const since = Date.now();
    const found = await settle(
      () => told.became("waiting", 0),
      (branches) => branches.size === COUNT,
      5000,
    );
    expect(Math.max(...found.values()) - since).toBeLessThan(1000);
    expect((await fleet.list({ status: "waiting" })).every(({ question }) => question === "Bash: npm test")).toBe(true);
  });

  it("tells within two seconds what only the screens show", async () => {
    const keys = (...words: string[]) => {
      const panes = world.tmux("list-panes", "-a", "-F", "#{pane_id}").trim().split("\n");
      for (const pane of panes) world.tmux("send-keys", "-t", pane, ...words);
    };
    const began = Date.now();
    keys("a long one", "Enter");
    await settle(
      () => told.became("working", began).size,
      (size) => size === COUNT,
      5000,
    );
    // An Esc, which no hook reports: the screen counts once the report is not of this moment any more.
    await quiet(2000);
    const since = Date.now();
    keys("Escape");
    const found = await settle(
      () => told.became("idle", since),
      (branches) => branches.size === COUNT,
      8000,
    );
    expect(found.size).toBe(COUNT);
    expect(Math.max(...found.values())).toBeLessThan(2000);
  });

  it("is hardly asked for while nothing happens, however many agents there are", async () => {
    await quiet(6500);
    Object.assign(asked, { list: 0, screens: 0 });
    const from = Date.now();
    await settle(
      () => Date.now(),
      (now) => now - from > 6000,
      8000,
    );
    expect(asked.list).toBeLessThanOrEqual(2);
    expect(asked.screens).toBeLessThanOrEqual(1);
  });

  it("tells of an agent that another process removes", async () => {
    const other = await openFleet(world, join(world.root, "repo"), { adapters: [hooked("good", join(world.root, "taken.jsonl"))] });
    const since = Date.now();
    await other.kill("a-1", { force: true });
    const gone = await settle(
      () => told.events.find(({ event }) => event.type === "agent.removed"),
      (found) => found !== undefined,
      8000,
    );
    expect((gone?.at ?? 0) - since).toBeLessThan(3000);
  });
});
