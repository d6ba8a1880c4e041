import { dirname, join, resolve } from "node:path";
import { FleetError } from "../../errors/index.js";

type Entry =
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly mode: number; readonly modifiedAt: number }
  | { readonly kind: "folder"; readonly mode: number; readonly modifiedAt: number }
  | { readonly kind: "link"; readonly target: string; readonly mode: number; readonly modifiedAt: number };

/** Longest chain of links that is followed. */
const MAX_LINKS = 40;

/** Files, folders and links in memory, by absolute path. Nobody is kept from anything: modes are only remembered. */
export class MemoryDisk {
  readonly #entries = new Map<string, Entry>();

  /** @param now epoch milliseconds, for the times of files */
  constructor(private readonly now: () => number = Date.now) {}

  /** What lies at a path, a final link as itself; null if nothing. */
  entry(path: string): Entry | null {
    const place = this.#place(path);
    return place === null ? null : this.#at(place);
  }

  /** The path with every link resolved, null if it is not there. */
  realPath(path: string): string | null {
    let place = this.#place(path);
    for (let left = MAX_LINKS; place !== null && left > 0; left--) {
      const entry = this.#at(place);
      if (entry?.kind !== "link") return entry === null ? null : place;
      place = this.#place(resolve(dirname(place), entry.target));
    }
    return null;
  }

  /** A file's bytes, null if there is none. Throws for a folder. */
  read(path: string): Uint8Array | null {
    const real = this.realPath(path);
    const entry = real === null ? null : this.#at(real);
    if (entry === null) return null;
    if (entry.kind !== "file") throw failed(path, "is a folder");
    return entry.bytes;
  }

  readText(path: string): string | null {
    const bytes = this.read(path);
    return bytes === null ? null : Buffer.from(bytes).toString("utf8");
  }

  /** Puts a file in place, instead of what was there. The folder must be there. */
  write(path: string, content: string | Uint8Array, mode = 0o600): void {
    const place = this.#toMake(path);
    if (this.#at(place)?.kind === "folder") throw failed(path, "is a folder");
    this.#entries.set(place, { kind: "file", bytes: Buffer.from(content as string), mode, modifiedAt: this.now() });
  }

  append(path: string, content: string | Uint8Array): void {
    const mode = this.entry(path)?.mode ?? 0o600;
    this.write(this.realPath(path) ?? path, Buffer.concat([this.read(path) ?? new Uint8Array(), Buffer.from(content as string)]), mode);
  }

  link(target: string, path: string): void {
    const place = this.#toMake(path);
    if (this.#at(place) !== null) throw failed(path, "exists already");
    this.#entries.set(place, { kind: "link", target, mode: 0o777, modifiedAt: this.now() });
  }

  makeFolder(path: string, mode = 0o700): void {
    const real = this.realPath(path);
    if (real !== null) {
      if (this.#at(real)?.kind !== "folder") throw failed(path, "is no folder");
      return;
    }
    this.makeFolder(dirname(resolve(path)), mode);
    this.#entries.set(this.#toMake(path), { kind: "folder", mode, modifiedAt: this.now() });
  }

  /** Names in a folder, sorted; null if it is not there. */
  list(path: string): readonly string[] | null {
    const real = this.realPath(path);
    if (real === null) return null;
    if (this.#at(real)?.kind !== "folder") throw failed(path, "is no folder");
    return this.#below(real)
      .map((below) => below.slice(real === "/" ? 1 : real.length + 1))
      .filter((name) => !name.includes("/"))
      .sort();
  }

  /** Every file in a folder and the folders in it, as relative paths. */
  walk(path: string): readonly string[] {
    return (this.list(path) ?? []).flatMap((name) =>
      this.entry(join(path, name))?.kind === "folder" ? this.walk(join(path, name)).map((below) => join(name, below)) : [name],
    );
  }

  /** Copies what a folder holds into another that is there. */
  copyInto(from: string, to: string): void {
    const [source, target] = [this.realPath(from), this.realPath(to)];
    if (source === null || target === null) throw failed(source === null ? from : to, "is not there");
    for (const path of this.#below(source)) {
      const entry = this.#at(path);
      if (entry !== null) this.#entries.set(target + path.slice(source.length), entry);
    }
  }

  rename(from: string, to: string): void {
    const source = this.#place(from);
    if (source === null || this.#at(source) === null) throw failed(from, "is not there");
    const target = this.#toMake(to);
    if (this.#below(target).length > 0) throw failed(to, "is a folder that holds something");
    for (const path of [source, ...this.#below(source)]) {
      const entry = this.#at(path);
      this.#entries.delete(path);
      if (entry !== null) this.#entries.set(target + path.slice(source.length), entry);
    }
  }

  /** Removes a file or an empty folder. */
  remove(path: string): void {
    const place = this.#place(path);
    if (place === null) return;
    if (this.#below(place).length > 0) throw failed(path, "is a folder that holds something");
    this.#entries.delete(place);
  }

  removeTree(path: string): void {
    const place = this.#place(path);
    if (place === null) return;
    for (const below of [place, ...this.#below(place)]) this.#entries.delete(below);
  }

  setMode(path: string, mode: number): void {
    const real = this.realPath(path);
    const entry = real === null ? null : this.#at(real);
    if (real === null || entry === null) throw failed(path, "is not there");
    this.#entries.set(real, { ...entry, mode });
  }

  setTime(path: string, modifiedAt: number): void {
    const real = this.realPath(path);
    const entry = real === null ? null : this.#at(real);
    if (real === null || entry === null) throw failed(path, "is not there");
    this.#entries.set(real, { ...entry, modifiedAt });
  }

  /** Where a path leads, links on the way followed but not a final one; null if its folder is not there. */
  #place(path: string): string | null {
    const full = resolve(path);
    if (full === "/") return full;
    const folder = this.realPath(dirname(full));
    return folder === null ? null : join(folder, full.slice(full.lastIndexOf("/") + 1));
  }

  #toMake(path: string): string {
    const place = this.#place(path);
    if (place === null || this.#at(dirname(place))?.kind !== "folder") throw failed(path, "has no folder to lie in");
    return place;
  }

  #at(place: string): Entry | null {
    return this.#entries.get(place) ?? (place === "/" ? { kind: "folder", mode: 0o755, modifiedAt: 0 } : null);
  }

  #below(place: string): string[] {
    const start = place === "/" ? "/" : `${place}/`;
    return [...this.#entries.keys()].filter((path) => path.startsWith(start));
  }
}

function failed(path: string, what: string): FleetError {
  return new FleetError("DRIVER_FAILED", `${path} ${what}.`);
}
