import { afterEach, describe, it } from "vitest";
import { sessionDriverContract } from "../../src/testing/contracts/session-driver.js";
import { makeWorld, type World } from "../support/world.js";
import { memorySubject, tmuxSubject } from "./subjects.js";

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.dispose();
});

function world(): World {
  const made = makeWorld("session");
  worlds.push(made);
  return made;
}

describe("sessions on tmux", () => {
  for (const contract of sessionDriverContract.cases) it(contract.name, () => contract.run(tmuxSubject(world())));
});

describe("sessions in memory", () => {
  for (const contract of sessionDriverContract.cases) it(contract.name, () => contract.run(memorySubject()));
});
