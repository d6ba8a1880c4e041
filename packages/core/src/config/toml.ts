import { FleetError } from "../errors/index.js";

/** Parses TOML. Throws `CONFIG_INVALID` with the line. The parser is loaded when it is first needed. */
export async function parseToml(text: string, file: string): Promise<Record<string, unknown>> {
  const toml = await import("toml");
  const parse = toml.parse ?? toml.default.parse;
  try {
    return parse(text.replace(/^\uFEFF/, "")) as Record<string, unknown>;
  } catch (error) {
    const { line, column, location } = error as {
      line?: number;
      column?: number;
      location?: { start?: { line?: number; column?: number } };
    };
    const at = line ?? location?.start?.line;
    const col = column ?? location?.start?.column;
    throw new FleetError(
      "CONFIG_INVALID",
      `${file}${at === undefined ? "" : `:${at}${col === undefined ? "" : `:${col}`}`}: ${sentence(error)}`,
      {
        hint: "Mend the file; nothing of it is used until then, and it is not overwritten.",
        data: at === undefined ? { file } : { file, line: at },
        cause: error,
      },
    );
  }
}

/** The parser lists everything it would have taken; what it found is what helps. */
function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const found = / but (end of input|".*") found\.$/s.exec(message)?.[1];
  return found === undefined
    ? message
    : `the file is no valid TOML: ${found === "end of input" ? "it ends too early" : `${found} is out of place`}`;
}

/** Whether a text holds nothing but comments and the headers of sections without a name: then nothing is set in it. */
export function setsNothing(text: string): boolean {
  return text
    .split("\n")
    .every((line) => /^\s*(?:#[^\x00-\x08\x0b-\x1f\x7f]*|\[(?:agent|worktree|setup|pool|tmux|fleet|logs|trash|git)\])?\s*$/.test(line));
}
