// One task, three attempts: wait for all, compare what they changed, keep one, remove the others.
//
//     node examples/fanout-compare.mjs [REPO] [--agent NAME]
import { Fleet } from "@aifleet/core";
import { openPlace } from "./support/place.mjs";

const { repo, home, agent: adapter, close } = openPlace();
try {
  const fleet = await Fleet.open({ repo, home });

  const batch = await fleet.fanout({ count: 3, prompt: "Round prices to whole cents", adapter });
  console.log(`Batch ${batch.id}: ${batch.agents.map(({ branch }) => branch).join(", ")}`);
  // One attempt that does not come up costs nothing but itself.
  for (const { branch, error } of batch.failed) console.log(`${branch} did not start: ${error.message}`);

  await fleet.wait({ batch: batch.id }, { for: "idle", timeout: 300_000 });

  const attempts = await fleet.list({ batch: batch.id, changes: true });
  for (const { branch, status, ahead, changes } of attempts) {
    console.log(`${branch}: ${status}, ${ahead} commits, +${changes?.added} -${changes?.removed} in ${changes?.files} files`);
  }

  // The judge of this example likes small changes. Run your tests here instead: fleet.exec({ batch }, ["npm", "test"]).
  const size = (/** @type {(typeof attempts)[number]} */ { changes }) => (changes ? changes.added + changes.removed : Infinity);
  const [winner, ...others] = attempts.toSorted((a, b) => size(a) - size(b));
  if (winner === undefined) throw new Error("No attempt came up.");
  console.log(await fleet.diff(winner.id));

  // Their worktrees are clean, so nothing is refused. The tips stay reachable under refs/fleet/trash/.
  const { killed } = await fleet.kill(
    others.map(({ id }) => id),
    { deleteBranch: true },
  );
  console.log(`Removed with their branches: ${killed.map(({ branch }) => branch).join(", ")}`);

  // A branch that holds commits outlives its agent.
  await fleet.kill(winner.id);
  console.log(`Kept: git merge ${winner.branch}`);
  await fleet.close();
} finally {
  await close();
}
