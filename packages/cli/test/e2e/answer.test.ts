import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWorld, type World } from "../../../core/test/support/world.js";
import { type Person, person } from "./support/person.js";

let world: World;
let me: Person;

beforeEach(async () => {
  world = makeWorld("answer");
  me = person(world, world.repo());
  await me.fleet(["fanout", "2", "t", "--prompt", "Go [[ask May I deploy?]]"]);
  await me.fleet(["wait", "--all", "--for", "waiting", "--timeout", "20"]);
});
afterEach(() => world.dispose());

describe("fleet answer", () => {
  it("shows the question with its choices, and says which was taken", async () => {
    expect(await me.fleet(["answer", "t-1", "yes"])).toMatchObject({
      code: 0,
      stdout: "t-1: May I deploy?\n  1 Yes\n  2 No\nanswered  t-1: Yes\n",
    });
    expect(await me.json(["answer", "t-1", "yes"])).toMatchObject({ code: 4, error: { code: "PROMPT_REFUSED" } });
    expect(await me.json(["answer", "t-2", "maybe"])).toMatchObject({ code: 4, error: { code: "PROMPT_REFUSED" } });
    expect((await me.json(["list", "--status", "waiting"])).agents).toMatchObject([
      { branch: "t-2", question: "May I deploy?", choices: ["Yes", "No"] },
    ]);
  });

  it("of several asks first, and answers those that match", async () => {
    expect(await me.json(["answer", "--all", "no"])).toMatchObject({
      code: 4,
      error: { code: "CONFIRMATION_NEEDED", data: { branches: ["t-1", "t-2"], flag: "--yes" } },
    });
    expect(await me.json(["answer", "--all", "no", "--matching", "rm -rf"])).toMatchObject({ code: 0, results: [] });
    const { code, results } = await me.json(["answer", "t-*", "no", "--yes", "--matching", "deploy"]);
    expect({ code, results }).toMatchObject({
      code: 0,
      results: [
        { branch: "t-1", choice: "No", outcome: "answered" },
        { branch: "t-2", choice: "No", outcome: "answered" },
      ],
    });
  });

  it("takes no bad input", async () => {
    for (const args of [["answer"], ["answer", "t-1"], ["answer", "--all", "a", "b"], ["answer", "t-1", "yes", "--matching", "("]]) {
      expect((await me.json(args)).code).toBe(2);
    }
  });
});
