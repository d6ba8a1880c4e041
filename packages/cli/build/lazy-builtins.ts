import type { Plugin } from "esbuild";

/** Node's own modules that most commands import and few use, with the names the packages take from them. */
const LAZY: Readonly<Record<string, readonly string[]>> = {
  "node:crypto": ["createHash", "randomBytes", "randomInt", "randomUUID"],
  "node:module": ["createRequire"],
  "node:readline/promises": ["createInterface"],
  "node:timers/promises": ["setTimeout"],
  "node:vm": ["createContext", "runInContext"],
  "node:worker_threads": ["Worker"],
  "node:zlib": ["inflateSync"],
};

/**
 * Loads some of Node's modules on their first use: importing them takes a few milliseconds of every
 * command's start. Only named imports of functions and classes can be had so; any other fails the build.
 */
export function lazyBuiltins(): Plugin {
  return {
    name: "lazy-builtins",
    setup(build) {
      const filter = new RegExp(`^(?:${Object.keys(LAZY).join("|")})$`);
      build.onResolve({ filter }, ({ path, kind, pluginData }) =>
        kind === "import-statement" && pluginData !== "lazy" ? { path, namespace: "lazy-builtin" } : { path, external: true },
      );
      build.onLoad({ filter: /.*/, namespace: "lazy-builtin" }, ({ path }) => ({
        contents: (LAZY[path] ?? [])
          .map((name) => {
            const own = `const own = require(${JSON.stringify(path)}).${name};`;
            return `export function ${name}(...args) { ${own} return new.target ? new own(...args) : own(...args); }`;
          })
          .join("\n"),
        loader: "js",
      }));
    },
  };
}
