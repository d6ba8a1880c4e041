import { join } from "node:path";
import { toFleetError } from "../../errors/index.js";
import type { Warning } from "../../model/index.js";
import { askSessions, known as knownSessions } from "../ask-sessions.js";
import { isProject, isRemains } from "../given-up.js";
import type { LogMeta } from "../logs.js";
import { reconcile } from "../reconcile.js";
import { recordFromMark } from "../record.js";
import { type Check, type Finding, fixed, note, ok, problem } from "./finding.js";

/** Records, sessions, worktrees and branches that belong to no agent. */
export const checkOrphans: Check = async ({ deps, fix, warn, call }) => {
  const findings: Finding[] = [];
  const healed: Finding[] = [];
  // Reconciling is itself the mending of records: what it says it did is what was found.
  const heard = (warning: Warning) => {
    healed.push(fixed("records", warning.message));
    warn(warning);
  };
  const { agents } = await reconcile(deps, { commonDir: null }, heard, call);
  findings.push(...healed, ok("records", `${agents.length} ${agents.length === 1 ? "agent" : "agents"} known.`));
  const known = new Set(agents.map(({ record }) => record.id));

  const sessions = await askSessions(deps, warn, call);
  for (const [id, session] of knownSessions(sessions) ?? []) {
    if (known.has(id)) continue;
    if (!fix) findings.push(problem("sessions", `The session ${session.name} belongs to no known agent.`, "fleet doctor --fix"));
    else {
      const identity = (await deps.processes.identify([session.pid])).get(session.pid) ?? null;
      await deps.processes.endTrees([{ root: session.dead ? null : identity, marker: ["AIFLEET_ID", id] }], { graceMs: 3000 });
      await deps.sessions.end([id]);
      findings.push(fixed("sessions", `The session ${session.name} was ended.`));
    }
  }

  const root = deps.settings.config.worktree.root;
  const places = new Set(agents.map(({ record }) => record.worktree));
  for (const project of ((await deps.host.files.list(root)) ?? []).filter(isProject)) {
    for (const slug of (await deps.host.files.list(join(root, project)).catch(() => null)) ?? []) {
      const path = join(root, project, slug);
      // What is on its way out is told by another check.
      if (places.has(path) || isRemains(slug)) continue;
      const link = await deps.git.readLink(path);
      const mark = link === null ? undefined : (await deps.git.readMarks(link.commonDir)).find((entry) => entry.adminDir === link.adminDir);
      if (mark !== undefined && recordFromMark(deps.paths.home, mark.text) === null) continue;
      findings.push(
        link === null
          ? problem("worktrees", `${path} is no worktree of any repository.`, "Look into it, then remove it yourself.")
          : note("worktrees", `${path} is a worktree without an agent.`, `git worktree remove ${path}`),
      );
    }
  }
  findings.push(...(await keptBranches(deps, known)));
  return findings;
};

/** Branches that agents left because only they hold their commits. */
async function keptBranches(deps: Parameters<Check>[0]["deps"], known: ReadonlySet<string>): Promise<readonly Finding[]> {
  const { files } = deps.host;
  const names = ((await files.list(deps.paths.logs)) ?? []).filter((name) => name.endsWith(".json"));
  const byRepo = new Map<string, { path: string; branches: Set<string> }>();
  for (const text of await files.readMany(names.map((name) => join(deps.paths.logs, name)))) {
    try {
      const meta = JSON.parse(text ?? "") as LogMeta;
      if (known.has(meta.id)) continue;
      const entry = byRepo.get(meta.commonDir) ?? { path: meta.repo, branches: new Set<string>() };
      byRepo.set(meta.commonDir, { ...entry, branches: entry.branches.add(meta.branch) });
    } catch {
      // A note that is not whole names no branch.
    }
  }
  const findings: Finding[] = [];
  for (const [commonDir, { path, branches }] of byRepo) {
    try {
      const facts = await deps.git.branches({ commonDir, path, bare: false }, [...branches]);
      const kept = [...facts.values()].filter(({ tip, checkedOutAt }) => tip !== null && checkedOutAt === null).map(({ name }) => name);
      if (kept.length > 0)
        findings.push(
          note(
            "branches",
            `${path} keeps ${kept.length} branches of ended agents: ${kept.slice(0, 5).join(", ")}${kept.length > 5 ? ", …" : ""}`,
            "Merge them, or delete them with git branch -D.",
          ),
        );
    } catch (error) {
      findings.push(note("branches", `${path} could not be looked at: ${toFleetError(error).message}`));
    }
  }
  return findings;
}
