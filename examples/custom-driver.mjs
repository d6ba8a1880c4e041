// A driver of one's own: a registry that lives in memory and tells what it is asked. Any port can be replaced like this.
//
//     node examples/custom-driver.mjs [REPO] [--agent NAME]
import { Fleet, throwIfAborted } from "@aifleet/core";
import { storeContract } from "@aifleet/core/testing";
import { openPlace } from "./support/place.mjs";

/**
 * Keeps the registry in this object.
 *
 * @returns {import("@aifleet/core").Store}
 */
function memoryStore() {
  /** @type {import("@aifleet/core").Draft} */
  let state = { agents: [], repositories: [] };
  return {
    async read(call) {
      throwIfAborted(call?.signal);
      return { ...structuredClone(state), problems: [] };
    },
    async update(change, call) {
      throwIfAborted(call?.signal);
      // A change that throws leaves everything as it was, and nobody outside holds what is stored.
      const draft = structuredClone(state);
      const result = change(draft);
      state = structuredClone(draft);
      return result;
    },
  };
}

/**
 * Any driver, with a word on each call.
 *
 * @template {object} Driver
 * @param {string} name
 * @param {Driver} driver
 * @returns {Driver}
 */
function traced(name, driver) {
  return new Proxy(driver, {
    get(target, key, receiver) {
      const member = Reflect.get(target, key, receiver);
      if (typeof member !== "function") return member;
      return (/** @type {unknown[]} */ ...args) => {
        console.log(`  ${name}.${String(key)}`);
        return member.apply(target, args);
      };
    },
  });
}

// What a store promises, as cases that any implementation can be put to, here without a test runner.
for (const { name, run } of storeContract.cases) {
  await run({ store: memoryStore() });
  console.log(`kept: ${name}`);
}

const { repo, home, agent: adapter, close } = openPlace();
try {
  console.log("Making an agent:");
  const fleet = await Fleet.open({ repo, home, store: traced("store", memoryStore()) });
  await fleet.createAgent({ branch: "with-own-store", prompt: "Write a note", adapter });
  await fleet.waitFor("with-own-store", "idle", { timeout: 120_000 });
  await fleet.close();

  // The registry is advisory: another one, empty, finds the same agent from its worktree and session.
  console.log("The same fleet with an empty registry:");
  const other = await Fleet.open({ repo, home, store: traced("store", memoryStore()) });
  for (const { branch, status } of await other.list()) console.log(`found ${branch}, ${status}`);

  const { killed } = await other.kill({ all: true });
  console.log(`killed ${killed.map(({ branch }) => branch).join(", ")}`);
  await other.close();
} finally {
  await close();
}
