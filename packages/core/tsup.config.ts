import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "testing/index": "src/testing/index.ts",
    "demo-agent": "src/agents/demo/program.ts",
  },
  format: ["esm"],
  target: "node20",
  removeNodeProtocol: false,
  // Brings Symbol.asyncDispose to those whose own settings do not.
  dts: { entry: { index: "src/index.ts", "testing/index": "src/testing/index.ts" }, banner: '/// <reference lib="esnext.disposable" />' },
  splitting: true,
  clean: true,
  sourcemap: true,
});
