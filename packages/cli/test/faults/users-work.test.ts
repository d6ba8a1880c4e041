import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFleet } from "../../../core/test/support/demo.js";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { gitState, KINDS, type Kind, makeRepo } from "./support/kinds-of-work.js";
import { figure } from "./support/report.js";
import { json } from "./support/run.js";
import { snapshot } from "./support/snapshot.js";

/** One agent for each kind of work, in one repository: each look, each kill and each restoral is of all of them. */
let world: World;
let repo: string;
let fleet: Awaited<ReturnType<typeof openFleet>>;
const agents = new Map<Kind, { branch: string; worktree: string; id: string }>();
const before = new Map<Kind, unknown>();

const SETTINGS = { "agents.sleep.command": ["sh", "-c", "exec cat", "agent"], "agent.default": "sleep" };

const stateOf = ({ worktree }: { worktree: string }) => ({ files: snapshot(worktree), git: gitState(world, worktree) });
const refs = () => world.git(repo, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/stash");

beforeAll(async () => {
  world = makeWorld("work");
  repo = makeRepo(world);
  fleet = await openFleet(world, repo, { settings: SETTINGS });
  const made = await fleet.multi(
    KINDS.map((_, i) => ({ branch: `w${i}`, prompt: "x" })),
    { adapter: "sleep" },
  );
  expect(made.failed).toEqual([]);
  for (const [i, kind] of KINDS.entries()) {
    const agent = made.agents.find(({ branch }) => branch === `w${i}`);
    if (agent === undefined) throw new Error(`w${i} is missing`);
    agents.set(kind, { branch: agent.branch, worktree: agent.worktree, id: agent.id });
    kind.make(world, agent.worktree);
  }
  for (const kind of KINDS) before.set(kind, stateOf(of(kind)));
}, 240_000);
afterAll(() => world.dispose());

function of(kind: Kind): { branch: string; worktree: string; id: string } {
  const agent = agents.get(kind);
  if (agent === undefined) throw new Error(`No agent for ${kind.what}.`);
  return agent;
}

describe("without --force, nothing removes", () => {
  it.each(KINDS)("$what: refused, named, and not a byte of it changed", async (kind) => {
    const agent = of(kind);
    const all = refs();
    const refusal = await fleet.kill(agent.branch).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "WORKTREE_DIRTY", exitCode: 4, message: expect.stringMatching(kind.reason) });
    const { files } = (refusal as { data: { files: readonly string[] } }).data;
    if (kind.files !== undefined) expect([...files].sort()).toEqual([...kind.files].sort());
    await expect(fleet.createAgent({ branch: agent.branch, replace: true })).rejects.toMatchObject({
      code: expect.stringMatching(/WORKTREE_DIRTY|BRANCH/),
    });
    expect(stateOf(agent)).toEqual(before.get(kind));
    expect(refs()).toBe(all);
  });

  it("any of them when all are killed at once, when they are stopped first, or by doctor --fix", async () => {
    const all = refs();
    const refusedBy = async (how: string) => {
      const { killed, refused } = await fleet.kill({ all: true });
      expect([how, killed, refused.length]).toEqual([how, [], KINDS.length]);
    };
    await refusedBy("running");
    await fleet.stop({ all: true });
    await refusedBy("stopped");
    await fleet.doctor({ fix: true });
    expect(KINDS.filter((kind) => JSON.stringify(stateOf(of(kind))) !== JSON.stringify(before.get(kind))).map(({ what }) => what)).toEqual(
      [],
    );
    expect(refs()).toBe(all);
  });
});

describe("with --force, it is saved first, whole", () => {
  it("and brought back as it was, though git collected its garbage meanwhile", async () => {
    const answer = await json<{ killed: { branch: string; saved: { folder: string } }[]; refused: unknown[] }>(
      world,
      repo,
      "kill",
      "--all",
      "--force",
      "--yes",
    );
    expect(answer.refused).toEqual([]);
    expect(answer.killed).toHaveLength(KINDS.length);
    expect(agents.size).toBe(KINDS.length);
    for (const { worktree } of agents.values()) expect(existsSync(worktree)).toBe(false);
    world.git(repo, "worktree", "prune", "--expire=now");
    world.git(repo, "-c", "gc.reflogExpire=now", "-c", "gc.reflogExpireUnreachable=now", "gc", "-q", "--prune=now");
    const wrong: string[] = [];
    for (const kind of KINDS) {
      const agent = of(kind);
      try {
        const { info } = await fleet.restore(agent.branch);
        expect(info).toMatchObject({ id: agent.id, worktree: agent.worktree, status: "stopped" });
        const [now, then] = [stateOf(agent), before.get(kind) as ReturnType<typeof stateOf>];
        expect(kind.but === undefined ? now : now.files).toEqual(kind.but === undefined ? then : then.files);
        expect((await fleet.previewKill(agent.branch))[0]?.reasons.join()).toMatch(kind.reason);
      } catch (error) {
        wrong.push(`${kind.what}: ${(error as Error).message}`);
      }
    }
    figure("R7", `${KINDS.length} kinds of work, killed by force, garbage collected, restored`, `${wrong.length} not as they were`);
    expect(wrong).toEqual([]);
    // Nothing that a restored worktree names is missing.
    expect(world.git(repo, "fsck", "--no-dangling", "--no-progress")).toBe("");
    expect(await fleet.trash()).toEqual([]);
    expect(world.git(repo, "for-each-ref", "refs/fleet")).toBe("");
  }, 240_000);
});
