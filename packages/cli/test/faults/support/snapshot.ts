import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/**
 * Every entry below a folder, to the byte: type, mode, time, links and content, names as the disk has
 * them. Git's own link and the folder's own time are left out, as are the folders named.
 */
export function snapshot(folder: string, without: readonly string[] = []): Record<string, string> {
  const all: Record<string, string> = {};
  const links = new Map<number, string>();
  const walk = (at: Buffer): void => {
    for (const name of readdirSync(Buffer.concat([Buffer.from(folder), at]), { encoding: "buffer" })) {
      const path = Buffer.concat([at, Buffer.from("/"), name]);
      const key = path.subarray(1).toString("latin1");
      if (key === ".git" || without.includes(key)) continue;
      const full = Buffer.concat([Buffer.from(folder), path]);
      const stat = lstatSync(full);
      const twin = links.get(stat.ino) ?? key;
      links.set(stat.ino, twin);
      const kind = `${(stat.mode & 0o7777).toString(8)} ${stat.uid} ${Math.round(stat.mtimeMs)}`;
      if (stat.isDirectory()) {
        all[key] = `folder ${kind}`;
        walk(path);
      } else if (stat.isSymbolicLink()) all[key] = `link ${readlinkSync(full, { encoding: "buffer" }).toString("latin1")}`;
      else if (stat.isFile()) all[key] = `file ${kind} ${stat.size} ${twin} ${hash(readFileSync(full))}`;
      else all[key] = `other ${kind}`;
    }
  };
  walk(Buffer.alloc(0));
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function hash(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
