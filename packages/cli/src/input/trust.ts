import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Fleet } from "@aifleet/core";
import { loadCore } from "../core.js";
import type { Ui } from "../render/ui.js";
import { reveal } from "../render/width.js";
import { canAsk, confirm } from "./ask.js";

/** A file longer than this is no settings file; the core refuses it, too. */
const MOST_BYTES = 1024 * 1024;

/**
 * A command stopped at a project file that is not trusted. On a terminal: shows the file and what it
 * sets, asks, and trusts what was shown, not what is there by then. Returns whether the command is to
 * be tried again.
 */
export async function offerTrust(error: unknown, ui: Ui, open: () => Promise<Fleet>): Promise<boolean> {
  const { code, data } = (error ?? {}) as { code?: unknown; data?: { file?: string } };
  if (code !== "NOT_TRUSTED" || data?.file === undefined || ui.json || !canAsk()) return false;
  const { file } = data;
  if ((await stat(file)).size > MOST_BYTES) return false;
  const bytes = await readFile(file);
  const text = bytes.toString("utf8");
  const { settingsOfText } = await loadCore();
  // One that cannot be used need not be asked about: this says what is wrong with it.
  const settings = await settingsOfText(text, file);
  ui.note(`${reveal(file)} holds settings for this repository. They can run commands on this machine:\n`);
  ui.note(`${reveal(text.trimEnd()).replace(/^/gm, "    ")}\n`);
  // Once more, without anything between: a long file scrolls out of sight.
  ui.note(settings.length === 0 ? "It sets nothing." : "It sets:");
  for (const { key, value } of settings) ui.note(`    ${key} = ${reveal(JSON.stringify(value))}`);
  ui.note("");
  if (!(await confirm("Trust this file as it is now?"))) return false;
  const fleet = await open();
  try {
    await fleet.trust({ hash: createHash("sha256").update(bytes).digest("hex") });
  } finally {
    await fleet.close();
  }
  return true;
}
