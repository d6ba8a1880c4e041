import { FleetError } from "../../errors/index.js";
import type { Host, HostFiles } from "../../ports/index.js";

/** Where file systems are mounted; none where the system does not say. */
export async function mountPoints(host: Host): Promise<readonly string[]> {
  const text = (await host.files.readMany(["/proc/self/mountinfo"]))[0] ?? "";
  return text.split("\n").flatMap((line) => {
    const place = line.split(" ")[4];
    return place === undefined ? [] : [place.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))];
  });
}

/** What is mounted inside a folder is another's, and would be deleted, or carried off, with it. */
export async function refuseMounts(files: HostFiles, mounts: readonly string[], folder: string): Promise<void> {
  const real = (await files.realPath(folder)) ?? folder;
  const inside = mounts.find((place) => place === real || place.startsWith(`${real}/`));
  if (inside === undefined) return;
  throw new FleetError("DRIVER_FAILED", `A file system is mounted at ${inside}, inside the worktree; nothing was removed.`, {
    hint: `Unmount it first: umount ${inside}`,
    data: { place: inside },
  });
}
