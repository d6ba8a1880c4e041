import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * Makes oclif fit for one file that starts fast.
 *
 * oclif's compiled modules require everything they may ever need at their top. Here each of those requires
 * happens on first use instead, so that a command pays for the parser and not for help, plugins and hooks.
 * Left out altogether: what only the development of plugins needs (TypeScript, ts-node).
 */
export function oclifInOneFile(): Plugin {
  return {
    name: "oclif-in-one-file",
    setup(build) {
      build.onResolve({ filter: /^typescript$/ }, ({ path }) => ({ path, namespace: "left-out" }));
      build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "throw new Error('left out');" }));
      build.onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, async ({ path }) => ({
        contents: lazily(await readFile(path, "utf8")),
        loader: "js",
      }));
    },
  };
}

/** `const x_1 = require("y")` as a function that requires on its first call, and each use of `x_1` as a call of it. */
export function lazily(source: string): string {
  const names: string[] = [];
  const declared = source.replace(
    /^const (\w+) = ((?:__importDefault|__importStar)\()?require\(("[^"]+")\)\)?;$/gm,
    (_, name: string, wrap: string | undefined, module: string) => {
      names.push(name);
      return `let ${name}$v; const ${name}$ = () => ${name}$v ??= ${wrap ?? "("}require(${module}));`;
    },
  );
  return names.reduce(
    (text, name) =>
      text
        .replace(new RegExp(`\\bnew ${name}\\.(\\w+)`, "g"), `new (${name}$().$1)`)
        .replace(new RegExp(`(?<![\\w$.])${name}(?![\\w$])`, "g"), `${name}$()`),
    declared,
  );
}
