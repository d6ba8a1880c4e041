import { expect, it } from "vitest";
import { painter } from "../src/render/color.js";
import { progressLines } from "../src/render/progress.js";
import { widthOf } from "../src/render/width.js";

const state = (outcome: "running" | "done" | "failed", step = "setup") => ({
  step,
  detail: "",
  startedAt: 0,
  endedAt: outcome === "running" ? null : 500,
  outcome,
});

it("shows each agent's step and time, and fits the terminal", () => {
  const states = new Map([
    ["a", state("done", "up")],
    [`b-${"long".repeat(40)}`, state("running")],
  ]);
  const lines = progressLines(states, { now: 1500, width: 60, rows: 20, spinner: "*", paint: painter(false), goal: "up" });
  expect(lines[0]).toBe("1 of 2 up");
  expect(lines[1]).toMatch(/^✓ a +up +0\.5s$/);
  expect(lines[2]).toMatch(/^\* b-long.*… +setup +1\.5s$/);
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(60);
});

it("with more agents than lines shows those at work first and says how many are left out", () => {
  const states = new Map(Array.from({ length: 50 }, (_, at) => [`a${at}`, state(at < 45 ? "done" : "running")] as const));
  const lines = progressLines(states, { now: 1500, width: 60, rows: 12, spinner: "*", paint: painter(false), goal: "up" });
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(lines[1]).toContain("a45");
  expect(lines.at(-1)).toContain("and 40 more");
});
