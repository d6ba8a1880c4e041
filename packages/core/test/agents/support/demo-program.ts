import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const SOURCE = fileURLToPath(new URL("../../../src/agents/demo", import.meta.url));
let made: string | null = null;

/** Path of the scripted agent as plain JavaScript, compiled from the sources as they are now. */
export function demoProgram(): string {
  if (made !== null) return made;
  const folder = mkdtempSync(join(tmpdir(), "fleet-demo-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const files = ["program.ts", ...readdirSync(join(SOURCE, "program")).map((name) => join("program", name))];
  for (const file of files) compile(join(SOURCE, file), join(folder, file.replace(/\.ts$/, ".js")));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  made = join(folder, "program.js");
  return made;
}

function compile(from: string, to: string): void {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true };
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, ts.transpileModule(readFileSync(from, "utf8"), { compilerOptions }).outputText);
}
