import { readFile } from "node:fs/promises";
import type { Fleet } from "@aifleet/core";
import type { Ui } from "../render/ui.js";
import { clean } from "../render/width.js";
import { canAsk, confirm } from "./ask.js";

/**
 * A command stopped at a project file that is not trusted. On a terminal: shows the file, asks, trusts it.
 * Returns whether the command is to be tried again.
 */
export async function offerTrust(error: unknown, ui: Ui, open: () => Promise<Fleet>): Promise<boolean> {
  const { code, data } = (error ?? {}) as { code?: unknown; data?: { file?: string } };
  if (code !== "NOT_TRUSTED" || data?.file === undefined || ui.json || !canAsk()) return false;
  ui.note(`${data.file} holds settings for this repository. They can run commands on this machine:\n`);
  const text = await readFile(data.file, "utf8");
  ui.note(`${clean(text.trimEnd(), { keepNewlines: true }).replace(/^/gm, "    ")}\n`);
  if (!(await confirm("Trust this file as it is now?"))) return false;
  const fleet = await open();
  try {
    await fleet.trust();
  } finally {
    await fleet.close();
  }
  return true;
}
