// Any program as an agent, by configuration alone. In config.toml:
//
//     [agents.scribe]
//     command = ["/path/to/scribe.sh"]
//     patterns.idle = '^scribe>(?![\s\S])'
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
      // Looked for in the last lines of the screen. Older prompts are there, too, so this one must be the very last thing.
      "agents.scribe.patterns.idle": "^scribe>(?![\\s\\S])",
    },
  });
  const agent = await fleet.createAgent({ branch: "notes", prompt: "Buy string", adapter: "scribe" });
  await agent.waitFor("idle", { timeout: 60_000 });
  await agent.prompt("Buy paper");
  await agent.waitFor("idle", { timeout: 60_000 });
  console.log(`${agent.branch} is ${agent.status}, as its ${agent.info.statusSource} shows`);
  await agent.exec(["git", "log", "--format=%s", `${agent.base}..`], { onLine: ({ text }) => console.log(text) });
  await agent.kill();
  await fleet.close();
} finally {
  await close();
}
