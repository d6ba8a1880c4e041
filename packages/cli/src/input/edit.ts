import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../failure.js";
import { session } from "../session.js";

/** Opens a file in the user's editor and waits for it. */
export async function editFile(file: string, env: Readonly<Record<string, string | undefined>> = process.env): Promise<void> {
  const [program, ...rest] = editorOf(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  if (session.signal.aborted) throw new Failure("INTERRUPTED", "Interrupted.");
  session.handedOver = true;
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, [...rest, file], { stdio: "inherit" });
      child.once("error", (error: NodeJS.ErrnoException) => {
        const missing = new Failure("TOOL_MISSING", `The editor ${program} is not installed.`, "Set VISUAL or EDITOR to one that is.", {
          tool: program,
        });
        reject(error.code === "ENOENT" ? missing : error);
      });
      child.once("exit", (code) => {
        if (code === 0) resolve();
        else reject(new Failure("DRIVER_FAILED", `The editor ${program} ended with exit code ${code ?? "none"}.`, `The file is ${file}.`));
      });
    });
  } finally {
    session.handedOver = false;
  }
}

/** `$VISUAL`, `$EDITOR` or vi, split into words as a shell would, with quotes. */
export function editorOf(env: Readonly<Record<string, string | undefined>>): [string, ...string[]] {
  const text = [env.VISUAL, env.EDITOR].find((value) => value !== undefined && value.trim() !== "") ?? "vi";
  const words = [...text.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g)].map(([word]) =>
    word.replace(
      /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
      (_, escaped, double, single) => escaped ?? double?.replace(/\\(["\\$`])/g, "$1") ?? single ?? "",
    ),
  );
  const [program = "vi", ...rest] = words;
  return [program, ...rest];
}
