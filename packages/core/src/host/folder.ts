import { mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";

/** Makes a folder with its parents; answers with the first that was made, if any. */
export function makeFolders(path: string, mode: number): string | undefined {
  try {
    return mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw whyNot(path, error as NodeJS.ErrnoException);
  }
}

/** Where a folder cannot be made, Node says of the folders above that they are missing: the highest of those tells the reason. */
function whyNot(path: string, error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error.code !== "ENOENT") return error;
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    try {
      mkdirSync(at);
      rmdirSync(at);
      return error;
    } catch (reason) {
      const { code } = reason as NodeJS.ErrnoException;
      if (code !== "ENOENT") return code === "EEXIST" ? error : (reason as NodeJS.ErrnoException);
    }
  }
  return error;
}
