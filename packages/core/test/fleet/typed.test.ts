import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deliver } from "../../src/engine/deliver.js";
import { findOne } from "../../src/fleet/actions/find.js";
import { openDeps } from "../../src/fleet/defaults.js";
import { fleetEnv, openFleet, promptsTaken } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

let world: World;
beforeEach(() => {
  world = makeWorld("typed");
});
afterEach(() => world.dispose());

describe("a prompt for an agent that was looked at before another prompt", () => {
  it("is refused where that one opened a question, though it need not wait for it any more", async () => {
    const repo = world.repo();
    const fleet = await openFleet(world, repo);
    const agent = await fleet.createAgent({ branch: "a" });
    await agent.waitFor("idle", { timeout: 10_000 });
    const deps = await openDeps({ repo, env: fleetEnv(world) });
    const seen = await findOne(deps, "a");
    await agent.prompt("Go on [[ask May I?]]");
    expect(await deliver(deps, seen, "the second")).toMatchObject({ delivery: "refused", reason: expect.stringContaining("question") });
    expect(promptsTaken(world).map(({ text }) => text)).toEqual(["Go on [[ask May I?]]"]);
  });
});
