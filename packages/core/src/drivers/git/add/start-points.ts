import { FleetError } from "../../../errors/index.js";
import type { Repository } from "../../../model/index.js";
import type { Call, WorktreeSpec } from "../../../ports/index.js";
import type { Git } from "../client.js";

/** Revision a spec starts at. */
function revisionOf(spec: WorktreeSpec): string {
  return spec.mode === "use" ? `refs/heads/${spec.branch}` : spec.base;
}

const OID = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** The commit each spec starts at, an error for those that name none. One git call for all, none where all are commit ids. */
export async function startPoints(git: Git, repo: Repository, specs: readonly WorktreeSpec[], call?: Call): Promise<(string | Error)[]> {
  const revisions = specs.map(revisionOf);
  const unknown = [...new Set(revisions.filter((revision) => !OID.test(revision) && !/[\0\n]/.test(revision)))];
  const commits = new Map<string, string>();
  if (unknown.length > 0) {
    const input = unknown.map((revision) => `${revision}^{commit}\n`).join("");
    const { stdout } = await git.run(repo.commonDir, ["cat-file", "--batch-check=%(objectname)"], { kind: "quick", input }, call);
    for (const [i, line] of stdout.split("\n").entries()) {
      const revision = unknown[i];
      if (revision !== undefined && OID.test(line)) commits.set(revision, line);
    }
  }
  return revisions.map((revision, i) => {
    const commit = OID.test(revision) ? revision : commits.get(revision);
    if (commit !== undefined) return commit;
    const branch = specs[i]?.branch ?? "";
    return new FleetError("REF_NOT_FOUND", `${JSON.stringify(revision)} names no commit to start ${branch} at.`, {
      data: { ref: revision },
    });
  });
}
