import type { Work } from "../base.js";
import { loadCore } from "../core.js";
import { Failure } from "../failure.js";

/** The settings file to show or edit, also when it is too broken to be read. */
export async function configFile(project: boolean, open: (work: (given: Work) => Promise<string>) => Promise<string>): Promise<string> {
  try {
    return await open(async ({ fleet }) => {
      const paths = await fleet.configPaths();
      if (!project) return paths.user;
      if (paths.project === null)
        throw new Failure("NOT_A_REPOSITORY", "There is no repository here, so no project file.", "Go into one, or give --repo PATH.");
      return paths.project;
    });
  } catch (error) {
    const { code, data } = error as { code?: unknown; data?: { file?: string } };
    if (code !== "CONFIG_INVALID") throw error;
    const { homeOf, homePaths } = await loadCore();
    return project && data?.file !== undefined ? data.file : homePaths(homeOf(process.env)).config;
  }
}
