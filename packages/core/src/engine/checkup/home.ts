import { join } from "node:path";
import { type Check, type Finding, fixed, note, ok, problem } from "./finding.js";

/** The home's place, its modes and what it takes of the disk. */
export const checkHome: Check = async ({ deps, fix, call }) => {
  const { files } = deps.host;
  const { paths } = deps;
  const findings: Finding[] = [note("socket", `The sessions live on ${deps.sessions.address}`)];
  if ((await files.stat(paths.home)) === null)
    return [...findings, ok("home", `${paths.home} is not there yet; the first agent makes it.`)];

  for (const [path, wanted] of [
    [paths.home, 0o700],
    [paths.state, 0o600],
    [paths.config, 0o600],
    [paths.logs, 0o700],
    [paths.trash, 0o700],
  ] as const) {
    const stat = await files.stat(path);
    if (stat === null || (stat.mode & 0o077) === 0) continue;
    const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
    if (!fix) findings.push(problem("modes", `${path} can be read by others (mode ${mode}).`, "fleet doctor --fix"));
    else {
      await files.setMode(path, wanted);
      findings.push(fixed("modes", `${path} is private now (was ${mode}).`));
    }
  }
  if (!findings.some(({ check }) => check === "modes")) findings.push(ok("modes", `${paths.home} is private.`));

  const sizes: string[] = [];
  for (const place of ["worktrees", "logs", "trash"] as const) {
    const path = place === "worktrees" ? deps.settings.config.worktree.root : paths[place];
    if ((await files.stat(path)) === null) continue;
    const result = await deps.host.run(["du", "-sk", "--", path], { timeoutMs: 30_000 }, call).catch(() => null);
    const kilobytes = Number(result?.stdout.split("\t")[0]);
    if (Number.isFinite(kilobytes)) sizes.push(`${place} ${Math.ceil(kilobytes / 1024)} MB`);
  }
  if (sizes.length > 0) findings.push(ok("disk", `Disk taken: ${sizes.join(", ")}`));
  return findings;
};

/** Locks whose holder is gone. They are taken over by whoever comes next; here they are only made visible. */
export const checkLocks: Check = async ({ deps, fix }) => {
  const { home } = deps.paths;
  const names = ((await deps.host.files.list(home)) ?? []).filter((name) => name.endsWith(".lock"));
  const findings: Finding[] = [];
  for (const name of names) {
    const path = join(home, name.replace(/\.lock$/, ""));
    if (!fix)
      findings.push(
        note("locks", `${name} is held, or was left by a killed process; the next command takes it over then.`, "fleet doctor --fix"),
      );
    else {
      await deps.locks.hold(path, async () => undefined, { timeoutMs: 3000 });
      findings.push(fixed("locks", `${name} was taken over and released.`));
    }
  }
  return findings;
};
