import { join } from "node:path";
import { toFleetError } from "../../errors/index.js";
import { discoverRepositories } from "../discover.js";
import { olderThan, tidyTrash } from "../drop-entry.js";
import { listTrash } from "../trash.js";
import { type Check, type Finding, fixed, note, ok } from "./finding.js";

/** Saved work: what is past its time, and what belongs to no entry. Only what is past its time is ever dropped here. */
export const checkTrash: Check = async ({ deps, fix }) => {
  const findings: Finding[] = [];
  const { keepDays } = deps.settings.config.trash;
  if (fix) {
    const dropped = await tidyTrash(deps);
    if (dropped.length > 0) findings.push(fixed("trash", `Dropped what was saved more than ${keepDays} days ago: ${branches(dropped)}.`));
  } else {
    const old = await olderThan(deps, keepDays);
    if (old.length > 0) findings.push(note("trash", `Saved more than ${keepDays} days ago: ${branches(old)}.`, "fleet doctor --fix"));
  }
  const entries = await listTrash(deps);
  findings.push(ok("trash", entries.length === 0 ? "Nothing is saved." : `${entries.length} saved; \`fleet trash list\` shows them.`));
  const known = new Set(entries.map(({ record }) => record.id));
  for (const name of (await deps.host.files.list(deps.paths.trash)) ?? []) {
    if (known.has(name) || name.startsWith(".tmp-")) continue;
    findings.push(
      note("trash", `${join(deps.paths.trash, name)} belongs to nothing that is known.`, "Look into it, then remove it yourself."),
    );
  }
  for (const commonDir of await discoverRepositories(deps, await deps.store.read())) {
    try {
      const refs = await deps.git.fleetRefs({ commonDir, path: commonDir, bare: false });
      const stray = [...refs.keys()].filter((ref) => !known.has(/^refs\/fleet\/trash\/([a-z0-9]+)(?:-branch)?$/.exec(ref)?.[1] ?? ""));
      // Another home may have saved them: they are only named.
      if (stray.length > 0)
        findings.push(
          note(
            "trash",
            `${commonDir} keeps saved commits that are in no trash of this home: ${stray.slice(0, 5).join(", ")}${stray.length > 5 ? ", …" : ""}`,
            "Look at one with git log REF; let go of it with git update-ref -d REF.",
          ),
        );
    } catch (error) {
      findings.push(note("trash", `${commonDir} could not be looked at: ${toFleetError(error).message}`));
    }
  }
  return findings;
};

function branches(entries: readonly { readonly record: { readonly branch: string } }[]): string {
  return entries.map(({ record }) => record.branch).join(", ");
}
