import { closeSync, constants, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { toFleetError } from "../errors/index.js";
import { makeFolders } from "../host/folder.js";

/**
 * Puts a file in place whole and for good: temporary file beside it, fsync, rename, fsync of the
 * folder. A reader sees the old or the new text, and so does the next boot.
 */
export function writeDurably(path: string, text: string, options: { readonly mode?: number; readonly temporary?: string } = {}): void {
  // Named by its maker, so that what a killed one leaves is known as such.
  const temporary = options.temporary ?? join(dirname(path), `.tmp-${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  const mode = options.mode ?? 0o600;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const handle = openSync(temporary, flags, mode);
    try {
      fchmodSync(handle, mode);
      writeAll(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw toFleetError(error, `Cannot write ${path}`);
  }
  syncFolder(dirname(path));
}

/** Makes a folder of the user's own (0700) with its parents. */
export function makePrivateFolder(path: string): void {
  try {
    makeFolders(path, 0o700);
  } catch (error) {
    throw toFleetError(error, `Cannot make ${path}`);
  }
}

/** Makes names in a folder survive a power cut. Some file systems cannot; the file itself is safe then. */
export function syncFolder(path: string): void {
  try {
    const handle = openSync(path, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Not supported here.
  }
}

/** Removes what was half made, where that can be done: why it was only half made is what the caller is to learn. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The next command sweeps it up.
  }
}

/** Writes all of it: one call may take less than it was given. */
export function writeAll(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}
