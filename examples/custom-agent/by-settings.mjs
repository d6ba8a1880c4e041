// Any program as an agent, by configuration alone. In config.toml:
//
//     [agents.scribe]
//     command = ["/path/to/scribe.sh"]
//     patterns.idle = "^scribe>$"
//     patterns.working = "^scribe: working"
//
//     node examples/custom-agent/by-settings.mjs [REPO]
import { fileURLToPath } from "node:url";
import { Fleet } from "@aifleet/core";
import { openPlace } from "../support/place.mjs";

const { repo, home, close } = openPlace();
try {
  const fleet = await Fleet.open({
    repo,
    home,
    settings: {
      "agents.scribe.command": [fileURLToPath(new URL("scribe.sh", import.meta.url))],
      // Seen on the last lines of its screen. An idle screen still shows older lines, so the prompt must be the very last one.
      "agents.scribe.patterns.idle": "^scribe>(?![\\s\\S])",
    },
  });
  const agent = await fleet.createAgent({ branch: "notes", prompt: "Buy string", adapter: "scribe" });
  await agent.waitFor("idle", { timeout: 60_000 });
  await agent.prompt("Buy paper");
  await agent.waitFor("idle", { timeout: 60_000 });
  console.log((await agent.exec(["git", "log", "--format=%s", `${agent.base}..`], { onLine: ({ text }) => console.log(text) })).exitCode);

  // It ends by itself: exit code 0 is `done`.
  await agent.prompt("bye");
  await agent.waitFor("done", { timeout: 60_000 });
  console.log(`${agent.branch} is ${agent.status}`);
  await agent.kill();
  await fleet.close();
} finally {
  await close();
}
