// One agent from start to end: made, waited for, prompted, looked at, removed.
//
//     node examples/one-agent.mjs [REPO] [--agent NAME]
import { Fleet, isFleetError } from "@aifleet/core";
import { openPlace } from "./support/place.mjs";

const { repo, home, agent: adapter, close } = openPlace();
try {
  const fleet = await Fleet.open({ repo, home });

  const agent = await fleet.createAgent({ branch: "describe-prices", prompt: "Describe how prices are made", adapter });
  console.log(`${agent.branch} works in ${agent.worktree}`);

  // Rejects with AGENT_DIED if the program ends instead, with TIMEOUT if it takes longer.
  await agent.waitFor("idle", { timeout: 120_000 });

  // Resolves when the text and one Enter have reached the program, and throws otherwise.
  const { delivery } = await agent.prompt("Now list what is missing");
  console.log(`The second prompt was ${delivery}.`);
  await agent.waitFor("idle", { timeout: 120_000 });

  console.log((await agent.logs({ lines: 12 })).join("\n"));
  console.log(await agent.diff({ stat: true }));

  try {
    const { branchKept } = await agent.kill();
    console.log(`The agent is gone; its branch ${branchKept ? "stays, since it holds commits" : "is gone with it"}.`);
  } catch (error) {
    // Work that is committed nowhere is never thrown away unasked.
    if (!isFleetError(error, "WORKTREE_DIRTY")) throw error;
    console.log(`Not killed: ${error.data.files.join(", ")}`);
  }
  await fleet.close();
} finally {
  await close();
}
