import { dirname, join } from "node:path";
import {
  type ConfigValue,
  configValues,
  detectType,
  fileTrust,
  PROJECT_TYPES,
  type ProjectType,
  projectConfigText,
  projectFileOf,
  repositoryMark,
  setConfigValue,
  type TrustedProject,
  writeFirstConfig,
  writeNewFile,
} from "../../config/index.js";
import type { Deps } from "../../engine/deps.js";
import { requireRepo } from "../../engine/scope.js";
import { FleetError } from "../../errors/index.js";

/** Whose settings file. */
export type ConfigScope = "user" | "project";

export function values(deps: Deps): readonly ConfigValue[] {
  return configValues(deps.settings);
}

/** Sets one key, comments kept. Throws `CONFIG_INVALID` and leaves the file as it is. */
export async function setConfig(
  deps: Deps,
  key: string,
  value: string,
  scope: ConfigScope,
): Promise<{ readonly file: string; readonly value: unknown }> {
  const file = scope === "user" ? deps.paths.config : await requireOwnPlace(deps);
  if (scope === "user") writeFirstConfig(deps.paths);
  else await deps.host.files.makeFolder(dirname(file), 0o755);
  return { file, value: await setConfigValue(file, key, value, { origin: scope, locks: deps.locks }) };
}

/** Makes a project's settings file. Throws `BRANCH_EXISTS` never; an existing file is refused with `USAGE`. */
export async function init(deps: Deps, type: ProjectType | undefined): Promise<{ readonly file: string; readonly type: ProjectType }> {
  const file = await requireOwnPlace(deps);
  const { repo } = requireRepo(deps);
  const names = (await deps.host.files.list(repo.path)) ?? [];
  const kind = type ?? detectType(names);
  if (!PROJECT_TYPES.includes(kind)) {
    throw new FleetError("USAGE", `There is no project type "${kind}".`, { hint: `Known are ${PROJECT_TYPES.join(", ")}.` });
  }
  await deps.host.files.makeFolder(dirname(file), 0o755);
  if (!writeNewFile(file, projectConfigText(kind, names), 0o644)) {
    throw new FleetError("USAGE", `${file} exists already.`, { hint: "Edit it, then trust it with `fleet trust`." });
  }
  return { file, type: kind };
}

/** Trusts the project's file as it was read last, or only where that is what somebody was shown. */
export async function trust(deps: Deps, shown: string | undefined): Promise<TrustedProject> {
  const { project } = deps.settings;
  if (project === null) {
    throw new FleetError("USAGE", "This repository has no .aifleet/config.toml to trust.", { hint: "`fleet init` makes one." });
  }
  if (project.problem !== undefined) throw project.problem;
  if (shown !== undefined && shown !== project.hash) {
    throw new FleetError("NOT_TRUSTED", `${project.path} has changed since it was shown, and was not trusted.`, {
      hint: "Run the command again and read the file as it is now.",
      data: { file: project.path, hash: project.hash },
    });
  }
  const mark = repositoryMark(requireRepo(deps).repo.commonDir);
  return fileTrust({ paths: deps.paths, locks: deps.locks, now: () => deps.clock.now() }).add(project.path, project.hash, mark);
}

export function trusted(deps: Deps): Promise<readonly TrustedProject[]> {
  return fileTrust({ paths: deps.paths, locks: deps.locks }).list();
}

/** Whether there was trust to take back. */
export function revokeTrust(deps: Deps): Promise<boolean> {
  return fileTrust({ paths: deps.paths, locks: deps.locks }).revoke(requireProjectFile(deps));
}

function requireProjectFile(deps: Deps): string {
  const { repo } = requireRepo(deps);
  const file = projectFileOf(repo);
  if (file !== null) return file;
  throw new FleetError("USAGE", "A bare repository has no project settings.", { hint: `Use ${join(deps.paths.home, "config.toml")}.` });
}

/** The project's file, to be written: a repository that brings a link along does not choose where else that is. */
async function requireOwnPlace(deps: Deps): Promise<string> {
  const file = requireProjectFile(deps);
  const { files } = deps.host;
  const folder = await files.realPath(requireRepo(deps).repo.path);
  for (const path of [dirname(file), file]) {
    const real = await files.realPath(path);
    if (real === null || folder === null || real.startsWith(join(folder, "/"))) continue;
    throw new FleetError("CONFIG_INVALID", `${path} is a link that leads out of the repository, to ${real}; nothing was written.`, {
      hint: "Put a folder in its place, or edit the file it leads to.",
      data: { file: path },
    });
  }
  return file;
}
