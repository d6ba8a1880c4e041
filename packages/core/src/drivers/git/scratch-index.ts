import { dirname, join } from "node:path";
import { FleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import type { Host } from "../../ports/index.js";

/**
 * Runs `work` with a copy of the worktree's index (`GIT_INDEX_FILE`), so that the index itself stays
 * as it is to the byte. The copy keeps the time of the original: git looks again at every file as new
 * as its index, and with a newer copy it would take a file changed in that same instant for unchanged.
 */
export async function withScratchIndex<T>(host: Host, adminDir: string, work: (file: string) => Promise<T>): Promise<T> {
  const { files } = host;
  // In the common git directory, where what a killed process leaves is found at a glance.
  const file = join(dirname(dirname(adminDir)), `.tmp-${process.pid}-index-${token()}`);
  try {
    const index = join(adminDir, "index");
    if ((await files.stat(index)) !== null) {
      const { exitCode, stderr } = await host.run(["cp", "-p", "--", index, file]);
      if (exitCode !== 0) throw new FleetError("DRIVER_FAILED", `The index of ${adminDir} could not be copied: ${stderr.trim()}`);
    }
    return await work(file);
  } finally {
    await files.remove(file);
    await files.remove(`${file}.lock`);
  }
}
