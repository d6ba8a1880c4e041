import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type TypeScript from "typescript";

const SOURCE = fileURLToPath(new URL("../../../src/agents/demo", import.meta.url));
const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/demo-agent", import.meta.url));

/** Path of the scripted agent as plain JavaScript, compiled from the sources as they are now; compiled once for each content. */
export function demoProgram(): string {
  const files = ["program.ts", ...readdirSync(join(SOURCE, "program")).map((name) => join("program", name))].sort();
  const sources = files.map((file) => [file, readFileSync(join(SOURCE, file), "utf8")] as const);
  const folder = join(CACHE, createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 16));
  if (!existsSync(folder)) compileAll(sources, folder);
  return join(folder, "program.js");
}

/** Whole or not at all: test files run side by side. */
function compileAll(sources: readonly (readonly [file: string, text: string])[], folder: string): void {
  const draft = `${folder}.${process.pid}`;
  const ts = createRequire(import.meta.url)("typescript") as typeof TypeScript;
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true };
  for (const [file, text] of sources) {
    const to = join(draft, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, ts.transpileModule(text, { compilerOptions }).outputText);
  }
  writeFileSync(join(draft, "package.json"), '{"type":"module"}\n');
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(draft, { recursive: true, force: true });
  }
}
