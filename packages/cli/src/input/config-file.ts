import type { Work } from "../base.js";
import { loadCore } from "../core.js";
import { usage } from "../failure.js";

/** The settings file to show or edit, also when it is too broken to be read. */
export async function configFile(project: boolean, open: (work: (given: Work) => Promise<string>) => Promise<string>): Promise<string> {
  if (!project) {
    const { homeOf, homePaths } = await loadCore();
    return homePaths(homeOf(process.env)).config;
  }
  try {
    return await open(async ({ fleet }) => {
      const file = fleet.config().project?.path;
      if (file === undefined) throw usage("There is no project file here.", "`fleet init` writes one.");
      return file;
    });
  } catch (error) {
    const { code, data } = error as { code?: unknown; data?: { file?: string } };
    if (code === "CONFIG_INVALID" && data?.file !== undefined) return data.file;
    throw error;
  }
}
