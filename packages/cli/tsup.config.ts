import { defineConfig } from "tsup";
import { lazyBuiltins } from "./build/lazy-builtins.js";
import { oclifInOneFile } from "./build/oclif-in-one-file.js";
import { seal } from "./build/seal.js";

// One CommonJS file with everything in it: bin/fleet.js compiles it through V8's code cache.
export default defineConfig({
  entry: { fleet: "src/main.ts" },
  format: ["cjs"],
  platform: "node",
  removeNodeProtocol: false,
  target: "node20",
  bundle: true,
  splitting: false,
  noExternal: [/.*/],
  clean: true,
  minify: true,
  treeshake: false,
  sourcemap: false,
  esbuildPlugins: [lazyBuiltins(), oclifInOneFile()],
  esbuildOptions(options) {
    options.legalComments = "none";
    // bin/fleet.js reads the file byte by byte, which is faster.
    options.charset = "ascii";
    options.define = { ...options.define, "import.meta.url": "__fleetUrl" };
    options.banner = { js: 'const __fleetUrl = require("node:url").pathToFileURL(__filename).href;' };
  },
  onSuccess: () => seal("dist/fleet.cjs"),
});
