import { readFile } from "node:fs/promises";
import type { Fleet } from "@aifleet/core";
import type { Ui } from "../render/ui.js";
import { clean } from "../render/width.js";
import { session } from "../session.js";
import { canAsk, confirm } from "./ask.js";

/**
 * A command stopped at a project file that is not trusted. On a terminal: shows the file, asks, trusts it.
 * Returns whether the command is to be tried again.
 */
export async function offerTrust(error: unknown, ui: Ui, open: () => Promise<Fleet>): Promise<boolean> {
  if ((error as { code?: unknown } | null)?.code !== "NOT_TRUSTED" || ui.json || !canAsk()) return false;
  const fleet = await open();
  try {
    const { project } = await fleet.configPaths();
    if (project === null) return false;
    ui.note(`${project} holds settings for this repository. They can run commands on this machine:\n`);
    const text = await readFile(project, "utf8");
    ui.note(clean(text.trimEnd(), { keepNewlines: true }).replace(/^/gm, "    "));
    ui.note("");
    if (!(await confirm("Trust this file as it is now?"))) return false;
    await fleet.trust({ signal: session.signal });
    return true;
  } finally {
    await fleet.close();
  }
}
