import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FleetError } from "../../errors/index.js";

const SCRIPT = "demo-agent.js";
/** From a source file up to the package's root, and from a chunk of a bundle up to the bundle's folder. */
const LEVELS = 4;

/**
 * Path of the scripted agent, a file of this package. Looked for: `AIFLEET_DEMO_AGENT`, beside the
 * file this code ended up in, in `dist` beside it, the same in the folders above, and at last
 * where Node finds the package. Throws `AGENT_COMMAND_MISSING`.
 */
export function demoAgentPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env.AIFLEET_DEMO_AGENT;
  if (named) return named;
  const here = ownFolder();
  const found = candidates(here).find((path) => existsSync(path)) ?? installed(here);
  if (found !== null) return found;
  throw new FleetError("AGENT_COMMAND_MISSING", "The scripted agent of the demo is not installed.", {
    hint: "Build the packages (npm run build), or name its file in AIFLEET_DEMO_AGENT.",
  });
}

/** In a CommonJS bundle `import.meta.url` is not there, and the program started is beside the script. */
function ownFolder(): string {
  const url: unknown = import.meta.url;
  return dirname(typeof url === "string" && url.startsWith("file:") ? fileURLToPath(url) : (process.argv[1] ?? process.execPath));
}

function candidates(here: string): readonly string[] {
  const paths: string[] = [];
  for (let folder = here, level = 0; level < LEVELS; level++, folder = dirname(folder)) {
    paths.push(join(folder, SCRIPT), join(folder, "dist", SCRIPT));
  }
  return paths;
}

function installed(here: string): string | null {
  try {
    const manifest = createRequire(join(here, "any.js")).resolve("@aifleet/core/package.json");
    const path = join(dirname(manifest), "dist", SCRIPT);
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
