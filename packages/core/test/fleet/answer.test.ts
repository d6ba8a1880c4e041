import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pickChoice } from "../../src/engine/answer.js";
import type { Fleet } from "../../src/index.js";
import { openFleet } from "../support/demo.js";
import { makeWorld, type World } from "../support/world.js";

describe("the choice somebody means", () => {
  const offered = [
    { label: "Yes", keys: ["Enter"] },
    { label: "Yes, and don't ask again for npm test", keys: ["Down", "Enter"] },
    { label: "No, and tell me what to do differently (esc)", keys: ["Down", "Down", "Enter"] },
  ] as const;

  it.each([
    ["1", 0],
    ["3", 2],
    ["yes", 0],
    ["Y", 0],
    ["no", 2],
    ["n", 2],
    ["yes, and", 1],
    ["No, and tell", 2],
  ])("%j is one of them", (wanted, index) => {
    expect(pickChoice(offered, wanted)).toBe(offered[index]);
  });

  it.each(["4", "0", "maybe", " "])("%j is none, and it is said what there is", (wanted) => {
    expect(pickChoice(offered, wanted)).toContain("no choice");
  });

  it("is not guessed where several begin alike, nor where nothing could be read", () => {
    expect(pickChoice([offered[1], { label: "Yes, always", keys: ["Enter"] }], "yes, ")).toContain("several");
    expect(pickChoice([], "yes")).toContain("could not be read");
  });
});

describe("an open question", () => {
  let world: World;
  let fleet: Fleet;
  beforeEach(async () => {
    world = makeWorld("answer");
    fleet = await openFleet(world, world.repo());
  });
  afterEach(() => world.dispose());

  const asking = async (branch: string, question: string) => {
    const agent = await fleet.createAgent({ branch, prompt: `Go [[ask ${question}]] [[say it said so]]` });
    return agent.waitFor("waiting", { timeout: 10_000 });
  };

  it("is shown with what it offers, answered, gone, and noted", async () => {
    const agent = await asking("a", "May I run the tests?");
    expect(await fleet.questions({ all: true })).toMatchObject([{ branch: "a", question: "May I run the tests?", choices: ["Yes", "No"] }]);
    expect(await agent.answer("yes")).toMatchObject({ outcome: "answered", choice: "Yes", reason: null });
    await agent.waitFor("idle", { timeout: 10_000 });
    expect((await agent.logs()).join("\n")).toContain("● it said so");
    const noted = readFileSync(join(world.fleetHome, "logs", `${agent.id}.answers.jsonl`), "utf8");
    expect(JSON.parse(noted)).toMatchObject({ branch: "a", choice: "Yes", outcome: "answered" });
  });

  it("takes a no as well", async () => {
    const agent = await asking("a", "May I?");
    expect(await agent.answer("no")).toMatchObject({ outcome: "answered", choice: "No" });
    await agent.waitFor("idle", { timeout: 10_000 });
    expect((await agent.logs()).join("\n")).not.toContain("● it said so");
  });

  it("is not answered when another was meant, when there is no such choice, and when there is none", async () => {
    const agent = await asking("a", "May I?");
    const { question } = agent.info;
    const meant = new Map([[agent.id, "May I delete everything?"]]);
    await expect(agent.answer("yes", { questions: meant })).rejects.toMatchObject({
      code: "PROMPT_REFUSED",
      message: expect.stringContaining("something else"),
    });
    await expect(agent.answer("perhaps")).rejects.toMatchObject({
      code: "PROMPT_REFUSED",
      message: expect.stringContaining("1 Yes, 2 No"),
    });
    await expect(agent.answer("yes", { matching: /delete/ })).rejects.toMatchObject({ code: "PROMPT_REFUSED" });
    expect((await fleet.questions("a"))[0]?.question).toBe(question);
    await agent.answer("1");
    await agent.waitFor("idle", { timeout: 10_000 });
    await expect(agent.answer("yes")).rejects.toMatchObject({
      code: "PROMPT_REFUSED",
      message: expect.stringContaining("asks nothing (idle)"),
    });
  });

  it("of several agents is answered where it matches, and only there", async () => {
    await Promise.all([asking("one", "May I test?"), asking("two", "May I deploy?"), fleet.createAgent({ branch: "three", prompt: "x" })]);
    const answered = await fleet.answer({ all: true }, "yes", { matching: /test/ });
    expect(answered).toMatchObject([{ branch: "one", outcome: "answered" }]);
    expect((await fleet.questions({ all: true })).map(({ branch }) => branch)).toEqual(["two"]);
  });
});
