// Loaded into `fleet` with NODE_OPTIONS=--require: makes its writes fail as on a full, read-only or
// broken disk. A write is whatever changes a file or folder below DISK_ROOT.
//
// DISK_ERROR: the code to fail with. DISK_AT: the write that fails, by number, 0 for none, or by a part of its name. DISK_LASTS: it and all
// after it. DISK_SHORT: a failing write of bytes leaves half of them. DISK_LOG: is told each write.
// DISK_DO: a shell command that is run before the write instead, to change the disk itself.
"use strict";
const fs = require("node:fs");

const { DISK_AT, DISK_ERROR = "ENOSPC", DISK_LASTS, DISK_SHORT, DISK_LOG, DISK_DO, DISK_ROOT = "/" } = process.env;
const { execFileSync } = require("node:child_process");
for (const name of ["DISK_AT", "DISK_ERROR", "DISK_LASTS", "DISK_SHORT", "DISK_LOG", "DISK_DO", "DISK_ROOT", "NODE_OPTIONS"])
  delete process.env[name];
let at = /^\d*$/.test(DISK_AT ?? "") ? Number(DISK_AT ?? 0) : Number.POSITIVE_INFINITY;
const { openSync, writeSync, writeFileSync, appendFileSync, readlinkSync } = fs;
const log = DISK_LOG === undefined ? null : openSync(DISK_LOG, "a");

const TEXTS = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EROFS: "read-only file system",
  EACCES: "permission denied",
  EIO: "i/o error",
  EMFILE: "too many open files",
};
// A full disk still lets go of things, and files that are open already are no new ones.
const CANNOT = {
  ENOSPC: /^(open|write|appendFile|writeFile|mkdir|rename|link|symlink|copyFile|cp|truncate)/,
  EMFILE: /^(open|appendFile|writeFile|copyFile|cp)/,
};
CANNOT.EDQUOT = CANNOT.ENOSPC;

let count = 0;
/** Whether this write fails. */
function fails(name, path) {
  if (CANNOT[DISK_ERROR] !== undefined && !CANNOT[DISK_ERROR].test(name)) return false;
  count += 1;
  if (log !== null) writeSync(log, `${count} ${name} ${path.slice(DISK_ROOT.length).replace(/[0-9a-f]{12,}/g, "…")}\n`);
  if (at === Number.POSITIVE_INFINITY && `${name} ${path}`.includes(DISK_AT)) at = count;
  if (DISK_DO !== undefined) {
    if (count === at) execFileSync("/bin/sh", ["-c", DISK_DO], { stdio: "ignore" });
    return false;
  }
  return at > 0 && (DISK_LASTS === "1" ? count >= at : count === at);
}
function failure(name, path) {
  const where = path === "" ? "" : ` '${path}'`;
  return Object.assign(new Error(`${DISK_ERROR}: ${TEXTS[DISK_ERROR]}, ${name}${where}`), {
    code: DISK_ERROR,
    syscall: name,
    ...(path === "" ? {} : { path }),
  });
}
const isOurs = (path) => typeof path === "string" && path.startsWith(DISK_ROOT);
const writes = (flags) => (typeof flags === "number" ? (flags & 3) !== 0 : typeof flags === "string" && /[wa+]/.test(flags));
const half = (data) =>
  Buffer.from(typeof data === "string" ? data : new Uint8Array(data.buffer ?? data)).subarray(0, Math.floor((data.length ?? 0) / 2));

const BY_PATH = [
  "writeFile",
  "appendFile",
  "rename",
  "mkdir",
  "rm",
  "rmdir",
  "unlink",
  "link",
  "symlink",
  "copyFile",
  "cp",
  "chmod",
  "truncate",
  "utimes",
];

/** Half of what a failing write was to leave. */
function leaveHalf(name, args) {
  if (DISK_SHORT !== "1" || (name !== "writeFile" && name !== "appendFile")) return;
  const real = name === "writeFile" ? writeFileSync : appendFileSync;
  real(args[0], half(args[1]), args[2]);
}
function failing(name, args) {
  if (!isOurs(args[0]) || (name === "open" && !writes(args[1])) || !fails(name, name === "rename" ? `${args[0]} to ${args[1]}` : args[0]))
    return null;
  leaveHalf(name, args);
  return failure(name, args[0]);
}

for (const name of [...BY_PATH, "open"]) {
  const sync = fs[`${name}Sync`];
  fs[`${name}Sync`] = (...args) => {
    const error = failing(name, args);
    if (error !== null) throw error;
    return sync.apply(fs, args);
  };
  const promised = fs.promises[name];
  fs.promises[name] = async (...args) => {
    const error = failing(name, args);
    if (error !== null) throw error;
    const value = await promised.apply(fs.promises, args);
    return name === "open" && isOurs(args[0]) && writes(args[1]) ? watched(value, args[0]) : value;
  };
  const called = fs[name];
  fs[name] = (...args) => {
    const error = failing(name, args);
    const done = args.at(-1);
    if (error !== null && typeof done === "function") return void process.nextTick(done, error);
    return called.apply(fs, args);
  };
}

function pathOf(handle) {
  try {
    return readlinkSync(`/proc/self/fd/${handle}`);
  } catch {
    return "";
  }
}
fs.writeSync = (handle, data, ...rest) => {
  const path = pathOf(handle);
  if (!isOurs(path) || !fails("write", path)) return writeSync(handle, data, ...rest);
  if (DISK_SHORT === "1") writeSync(handle, half(data));
  throw failure("write", "");
};
const { fsyncSync } = fs;
fs.fsyncSync = (handle) => {
  const path = pathOf(handle);
  if (isOurs(path) && fails("sync", path)) throw failure("fsync", "");
  return fsyncSync(handle);
};

/** A file handle whose writes may fail. */
function watched(handle, path) {
  for (const name of ["write", "writeFile", "appendFile", "sync", "chmod"]) {
    const real = handle[name];
    handle[name] = async (...args) => {
      if (!fails(name, path)) return real.apply(handle, args);
      if (DISK_SHORT === "1" && name !== "sync" && name !== "chmod") await real.call(handle, half(args[0]));
      throw failure(name === "writeFile" ? "write" : name, "");
    };
  }
  return handle;
}
