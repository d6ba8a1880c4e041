import { readFile } from "node:fs/promises";
import { Failure, usage } from "../failure.js";
import { session } from "../session.js";

/** Everything on stdin. On a terminal it says on stderr that it is read. */
export async function readStdin(what: string): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write(`Reading ${what} from the terminal; Ctrl+D on an empty line ends it.\n`);
  const chunks: Buffer[] = [];
  const stop = (): void => {
    process.stdin.destroy();
  };
  session.signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  } catch (error) {
    if (!session.signal.aborted) throw error;
  } finally {
    session.signal.removeEventListener("abort", stop);
  }
  if (session.signal.aborted) throw new Failure("INTERRUPTED", "Interrupted.");
  return textOfBytes(Buffer.concat(chunks), "stdin");
}

/** Text that is handed on as it came: bytes that are no UTF-8 would arrive as something else. */
function textOfBytes(bytes: Buffer, what: string): string {
  const text = bytes.toString("utf8");
  if (text.includes("\ufffd") && !Buffer.from(text).equals(bytes))
    throw usage(`${what} is no text in UTF-8.`, "Convert it, for example with iconv.");
  return text;
}

/** The text of a file named on the command line, `-` for stdin. */
export async function readText(path: string, what: string): Promise<string> {
  if (path === "-") return readStdin(what);
  try {
    return textOfBytes(await readFile(path), path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw usage(`There is no file ${path}.`, null, { path });
    if (code === "EISDIR") throw usage(`${path} is a folder, not a file.`, null, { path });
    throw error;
  }
}

/** The prompt of `--prompt` or `--prompt-file`, undefined if neither was given. One newline at the end of a file is the file's. */
export async function promptOf(flags: { prompt?: string | undefined; "prompt-file"?: string | undefined }): Promise<string | undefined> {
  const file = flags["prompt-file"];
  const text = file === undefined ? flags.prompt : withoutLastNewline(await readText(file, "the prompt"));
  if (text !== undefined && text.trim() === "") {
    throw usage(file === undefined ? "--prompt is empty." : `The prompt from ${file === "-" ? "stdin" : file} is empty.`);
  }
  return text;
}

export function withoutLastNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}
