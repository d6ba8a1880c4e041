import type { Config } from "@oclif/core";
import { VERSION } from "./version.js";

const nothing = { successes: [], failures: [] };

/**
 * The part of oclif's Config that a command touches while it parses. The full one looks for plugins,
 * hooks, manifests and package.json files on disk, none of which a program in one file has.
 */
const config = {
  bin: "fleet",
  name: "@aifleet/cli",
  version: VERSION,
  userAgent: `fleet/${VERSION}`,
  topicSeparator: " ",
  pjson: { name: "@aifleet/cli", version: VERSION, oclif: {} },
  plugins: new Map(),
  theme: undefined,
  runHook: async () => nothing,
  scopedEnvVar: () => undefined,
  scopedEnvVarKey: (name: string) => `FLEET_${name}`,
  scopedEnvVarKeys: (name: string) => [`FLEET_${name}`],
  scopedEnvVarTrue: () => false,
};

export const oclifConfig = config as unknown as Config;
