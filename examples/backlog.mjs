// Works off a backlog from a file, two tasks at a time: as one agent ends its turn, the next task starts.
//
//     node examples/backlog.mjs [REPO] [--agent NAME]
import { readFile } from "node:fs/promises";
import { Fleet, toFleetError } from "@aifleet/core";
import toml from "toml";
import { openPlace } from "./support/place.mjs";

const AT_ONCE = 2;

/** @type {{ task: { branch: string, prompt: string }[] }} */
const { task: backlog } = toml.parse(await readFile(new URL("tasks.toml", import.meta.url), "utf8"));

const { repo, home, agent: adapter, close } = openPlace();
try {
  const fleet = await Fleet.open({ repo, home });

  /** @param {{ branch: string, prompt: string }} task */
  async function workOff({ branch, prompt }) {
    try {
      const agent = await fleet.createAgent({ branch, prompt, adapter });
      await agent.waitFor("idle", { timeout: 300_000 });
      const stat = await agent.diff({ stat: true });
      await agent.kill();
      console.log(`done    ${branch}:${stat.trimEnd().split("\n").at(-1)}`);
    } catch (error) {
      // Every error is a FleetError with a code; one task that fails stops no other.
      const { code, message } = toFleetError(error);
      console.log(`failed  ${branch}: ${code} ${message.split("\n")[0]}`);
    }
  }

  const queue = backlog.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const task of queue) await workOff(task);
    }),
  );

  // What failed is still there to be looked at.
  for (const { branch, status, exitCode } of await fleet.list()) console.log(`left    ${branch}: ${status} (${exitCode})`);
  await fleet.close();
} finally {
  await close();
}
