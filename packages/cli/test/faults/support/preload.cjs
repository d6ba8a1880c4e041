// Loaded into `fleet` with NODE_OPTIONS=--require: counts its steps and kills it at one of them.
//
// A step is an instant between two effects: before a child process is started, right after (it goes on
// by itself), when it has ended, and before and after each change of a file or folder of the world.
// FAULT_AT: the step to die at, 0 for none. FAULT_LOG: file that is told each step's name.
// FAULT_ROOT: only files below it count.
"use strict";
const fs = require("node:fs");
const childProcess = require("node:child_process");

const at = Number(process.env.FAULT_AT ?? 0);
const log = process.env.FAULT_LOG;
const root = process.env.FAULT_ROOT ?? "/";
const signal = process.env.FAULT_SIGNAL ?? "SIGKILL";
for (const name of ["FAULT_AT", "FAULT_LOG", "FAULT_ROOT", "FAULT_SIGNAL", "NODE_OPTIONS"]) delete process.env[name];

const { openSync, writeSync } = fs;
const logFile = log === undefined ? null : openSync(log, "a");
let count = 0;
function step(name) {
  count += 1;
  if (logFile !== null) writeSync(logFile, `${count} ${name}\n`);
  if (count === at) process.kill(process.pid, signal);
}

const isOurs = (path) => typeof path === "string" && path.startsWith(root);
const writes = (flags) => (typeof flags === "number" ? (flags & 3) !== 0 : typeof flags === "string" && /[wa+]/.test(flags));
const short = (path) =>
  String(path)
    .slice(root.length)
    .replace(/[0-9a-f]{12,}/g, "…");

// What changes something: by the path it is named by. `open` counts where it may make or cut a file.
const CHANGES = [
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
];

for (const name of CHANGES) {
  wrapSync(fs, `${name}Sync`, name);
  wrapCallback(fs, name);
  wrapAsync(fs.promises, name);
}
wrapSync(fs, "openSync", "open");
wrapAsync(fs.promises, "open");

function counts(name, args) {
  return isOurs(args[0]) && (name !== "open" || writes(args[1]));
}

function wrapSync(owner, method, name) {
  const real = owner[method];
  owner[method] = (...args) => {
    if (!counts(name, args)) return real.apply(owner, args);
    step(`before ${name} ${short(args[0])}`);
    const value = real.apply(owner, args);
    step(`after ${name} ${short(args[0])}`);
    return value;
  };
}

function wrapAsync(owner, name) {
  const real = owner[name];
  owner[name] = async (...args) => {
    if (!counts(name, args)) return real.apply(owner, args);
    step(`before ${name} ${short(args[0])}`);
    const value = await real.apply(owner, args);
    step(`after ${name} ${short(args[0])}`);
    return value;
  };
}

function wrapCallback(owner, name) {
  const real = owner[name];
  owner[name] = (...args) => {
    const done = args.at(-1);
    if (!counts(name, args) || typeof done !== "function") return real.apply(owner, args);
    step(`before ${name} ${short(args[0])}`);
    return real.call(owner, ...args.slice(0, -1), (...answer) => {
      step(`after ${name} ${short(args[0])}`);
      done(...answer);
    });
  };
}

const realSpawn = childProcess.ChildProcess.prototype.spawn;
childProcess.ChildProcess.prototype.spawn = function spawn(options) {
  const argv = (options.args ?? [options.file]).map(String);
  const name = argv
    .filter((word) => !word.startsWith("-"))
    .slice(0, 4)
    .map((word) => word.split("/").at(-1))
    .join(" ")
    .slice(0, 60);
  step(`before ${name}`);
  const result = realSpawn.call(this, options);
  step(`started ${name}`);
  this.prependOnceListener("exit", () => step(`ended ${name}`));
  return result;
};
