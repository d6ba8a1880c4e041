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
  const file = scope === "user" ? deps.paths.config : requireProjectFile(deps);
  if (scope === "user") writeFirstConfig(deps.paths);
  else await deps.host.files.makeFolder(dirname(file), 0o755);
  return { file, value: await setConfigValue(file, key, value, { origin: scope, locks: deps.locks }) };
}

/** Makes a project's settings file. Throws `BRANCH_EXISTS` never; an existing file is refused with `USAGE`. */
export async function init(deps: Deps, type: ProjectType | undefined): Promise<{ readonly file: string; readonly type: ProjectType }> {
  const file = requireProjectFile(deps);
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

/** Trusts the project's file as it is now. */
export async function trust(deps: Deps): Promise<TrustedProject> {
  const { project } = deps.settings;
  if (project === null) {
    throw new FleetError("USAGE", "This repository has no .aifleet/config.toml to trust.", { hint: "`fleet init` makes one." });
  }
  return fileTrust({ paths: deps.paths, locks: deps.locks, now: () => deps.clock.now() }).add(project.path, project.hash);
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
