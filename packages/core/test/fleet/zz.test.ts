import { test } from "vitest";
import { openFleet } from "../support/demo.js";
import { makeWorld } from "../support/world.js";
test("kill time", async () => {
  const world = makeWorld("race");
  const repo = world.repo();
  const fleet = await openFleet(world, repo);
  await fleet.fanout({ count: 60, prompt: "x [[no-commit]]", prefix: "k" });
  const m = (await import("../../src/drivers/git/marks.js")).readMarks;
  const { localFiles } = await import("../../src/host/files.js");
  let t = performance.now();
  for (let i = 0; i < 20; i++) await m(localFiles, repo + "/.git");
  console.log("readMarks ms", (performance.now() - t) / 20);
  t = performance.now();
  await fleet.kill({ all: true }, { force: true });
  console.log("kill ms", performance.now() - t);
  await world.dispose();
}, 120000);
