import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { promptsTaken } from "../../../core/test/support/demo.js";
import { makeWorld, settle, type World } from "../../../core/test/support/world.js";
import { couriersOf } from "../support/couriers.js";
import { type Person, person } from "./support/person.js";

const START = "Go [[ask May I go on?]] [[no-commit]]";

let world: World;
let me: Person;

beforeEach(async () => {
  world = makeWorld("when idle");
  me = person(world, world.repo());
  await me.fleet(["create", "a", "--prompt", START]);
  await me.fleet(["wait", "a", "--for", "waiting", "--timeout", "20"]);
});
afterEach(() => world.dispose());

describe("fleet prompt --when-idle", () => {
  it("gives the prompts in order once the agent is idle, long after the command has ended", async () => {
    expect(await me.fleet(["prompt", "a", "one", "--when-idle"])).toMatchObject({
      code: 0,
      stdout: "queued for a (it is waiting)\n",
      stderr: "",
    });
    expect((await me.json(["prompt", "a", "two", "--when-idle"])).results).toEqual([
      { branch: "a", delivery: "queued", reason: "1 prompt stands before it", evidence: null },
    ]);
    await me.fleet(["answer", "a", "yes"]);
    const taken = await settle(
      () => promptsTaken(world).map(({ text }) => text),
      (texts) => texts.length >= 3,
      20_000,
    );
    expect(taken).toEqual([START, "one", "two"]);
    expect(
      await settle(
        () => couriersOf(world),
        (pids) => pids.length === 0,
        5000,
      ),
    ).toEqual([]);
  });

  it("is shown by fleet queue, and dropped there", async () => {
    for (const text of ["one", "two\nlines", "three"]) await me.fleet(["prompt", "a", text, "--when-idle"]);
    const shown = await me.fleet(["queue"]);
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toMatch(/^a\tq[0-9a-f]{7}\t\d+s\tone\na\tq[0-9a-f]{7}\t\d+s\ttwo\\nlines\na\tq.*\tthree\n$/);
    const { queued } = (await me.json(["queue", "list", "a"])) as unknown as { queued: { id: string; text: string }[] };
    expect(queued.map(({ text }) => text)).toEqual(["one", "two\nlines", "three"]);
    expect(await me.fleet(["queue", "drop", queued[1]?.id ?? ""])).toMatchObject({
      code: 0,
      stdout: "✓ a: dropped two\\nlines\n",
      stderr: "1 prompt dropped.\n",
    });
    expect((await me.json(["queue", "drop", "a"])).dropped).toMatchObject([{ text: "one" }, { text: "three" }]);
    expect(await me.fleet(["queue"])).toMatchObject({ code: 0, stdout: "", stderr: "No prompt waits.\n" });
    expect(await me.fleet(["queue", "drop"])).toMatchObject({ code: 2 });
    expect(await me.fleet(["queue", "drop", "nobody"])).toMatchObject({ code: 3 });
    expect(await me.fleet(["queue", "a"])).toMatchObject({ code: 2 });
  });

  it("is taken up by the next command when the process that carries it was killed", async () => {
    await me.fleet(["prompt", "a", "one", "--when-idle"]);
    const [courier = 0] = await settle(
      () => couriersOf(world),
      (pids) => pids.length === 1,
    );
    process.kill(courier, "SIGKILL");
    await me.fleet(["answer", "a", "yes"]);
    await me.fleet(["list"]);
    const taken = await settle(
      () => promptsTaken(world).map(({ text }) => text),
      (texts) => texts.length >= 2,
      20_000,
    );
    expect(taken).toEqual([START, "one"]);
  });
});
