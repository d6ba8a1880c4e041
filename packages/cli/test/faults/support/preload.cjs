// Loaded into `fleet` with NODE_OPTIONS=--require: counts its steps and sends it a signal at one of them.
//
// A step is an instant between two effects, told by the effect that would come next: the start of a child
// process, or a change of a file or folder of the world. Two instants with nothing between them are one.
// Further steps: a child has just started and goes on by itself; a file is written half, a folder removed
// half; and the end, when all is done and the process is about to go.
//
// FAULT_AT: the step to get the signal at, 0 for none. FAULT_STEP: or the first whose name it matches. FAULT_LOG: file that is told each step's name.
// FAULT_ROOT: only files below it count. FAULT_SIGNAL: the signal, SIGKILL unless named.
// FAULT_CHILDREN: what becomes of the commands it runs at that moment: `live` on, `die` with it, or are
// `held` up and go on when the next command is at work.
// FAULT_GROUP: the whole process group gets the signal, as from a terminal.
// FAULT_AGAIN: so many milliseconds later it gets it once more.
"use strict";
const fs = require("node:fs");
const childProcess = require("node:child_process");
const { join } = require("node:path");

const at = Number(process.env.FAULT_AT ?? 0);
let kind = process.env.FAULT_STEP === undefined ? null : new RegExp(process.env.FAULT_STEP);
const log = process.env.FAULT_LOG;
const root = process.env.FAULT_ROOT ?? "/";
const signal = process.env.FAULT_SIGNAL ?? "SIGKILL";
const fate = process.env.FAULT_CHILDREN ?? "live";
const toGroup = process.env.FAULT_GROUP === "1";
const again = process.env.FAULT_AGAIN === undefined ? null : Number(process.env.FAULT_AGAIN);
for (const name of Object.keys(process.env)) if (/^FAULT_|^NODE_OPTIONS$/.test(name)) delete process.env[name];

const real = { ...fs };
const realSpawn = childProcess.ChildProcess.prototype.spawn;
const logFile = log === undefined ? null : real.openSync(log, "a");
let count = 0;
/** Effects so far, and how many there were at the last step. */
let effects = 0;
let seen = -1;
const children = new Set();

/** `half`: does a part of the effect first, if this is the step and the last one. */
function step(name, half) {
  if (half === undefined ? effects === seen : signal !== "SIGKILL") return;
  if (half === undefined) seen = effects;
  count += 1;
  if (logFile !== null) real.writeSync(logFile, `${count} ${name}\n`);
  if (count !== at && kind?.test(name) !== true) return;
  kind = null;
  half?.();
  strike();
}

function strike() {
  if (fate === "die") for (const pid of children) send(-pid, "SIGKILL");
  if (fate === "held") hold([...children]);
  if (logFile !== null) real.writeSync(logFile, `struck ${Date.now()}\n`);
  send(toGroup ? 0 : process.pid, signal);
  // In a process of its own: this one may be busy dying.
  if (again !== null) start("sh", "-c", `sleep ${again / 1000}; kill -${signal.slice(3)} ${process.pid}`);
}

function hold(pids) {
  for (const pid of pids) send(-pid, "SIGSTOP");
  if (pids.length > 0) start("sh", "-c", `sleep 0.15; ${pids.map((pid) => `kill -CONT -${pid};`).join(" ")} :`);
}

function start(...argv) {
  const child = new childProcess.ChildProcess();
  realSpawn.call(child, {
    file: argv[0],
    args: argv,
    envPairs: [`PATH=${process.env.PATH}`],
    detached: true,
    stdio: ["ignore", "ignore", "ignore"],
  });
  child.unref();
}

function send(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

const isOurs = (path) => typeof path === "string" && path.startsWith(root);
const writes = (flags) => (typeof flags === "number" ? (flags & 3) !== 0 : typeof flags === "string" && /[wa+]/.test(flags));
const short = (path) =>
  String(path)
    .slice(root.length)
    .replace(/[0-9a-f]{12,}/g, "…");

// What changes something, by the path it is named by. `open` counts where it may make or cut a file.
const CHANGES = [
  "rename",
  "mkdir",
  "rmdir",
  "unlink",
  "link",
  "symlink",
  "copyFile",
  "cp",
  "chmod",
  "truncate",
  "rm",
  "writeFile",
  "appendFile",
];
for (const name of [...CHANGES, "open"]) {
  wrapSync(`${name}Sync`, name);
  wrapAsync(name);
  if (name !== "open") wrapCallback(name);
}

function counts(name, args) {
  if (!isOurs(args[0])) return false;
  return name !== "open" || writes(args[1]);
}

/** Names that do not count until they are renamed: what stands in such a file or folder makes no difference. */
const isPassing = (path) => /\.tmp-|\/aifleet-(new|gone)-|\.lock\.p\d/.test(path.slice(root.length));

function before(name, args, isSync = false) {
  step(`${name} ${short(args[0])}`);
  if (isPassing(args[0])) return;
  // Those that wait come to the writing of an open file, below.
  if (!isSync && (name === "writeFile" || name === "appendFile")) step(`half of ${name} ${short(args[0])}`, () => halfWritten(...args));
  if (name === "rm" && args[1]?.recursive && holdsSomething(args[0])) step(`half of rm ${short(args[0])}`, () => halfRemoved(args[0]));
}

function halfWritten(path, data, options) {
  const { mode = 0o666, flag = "a" } = typeof options === "object" && options !== null ? options : {};
  const bytes = Buffer.from(data);
  try {
    const file = real.openSync(path, flag, mode);
    real.writeSync(file, bytes.subarray(0, bytes.length >> 1));
  } catch {
    // It would have failed as a whole, too.
  }
}

function holdsSomething(path) {
  try {
    return real.readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

function halfRemoved(path) {
  const names = real.readdirSync(path);
  for (const name of names.slice(0, Math.ceil(names.length / 2))) real.rmSync(join(path, name), { recursive: true, force: true });
}

/** A folder that was there already was not made. */
const changed = (name, args, value) => name !== "mkdir" || args[1]?.recursive !== true || value !== undefined;

function wrapSync(method, name) {
  fs[method] = (...args) => {
    if (!counts(name, args)) return real[method](...args);
    before(name, args, true);
    const value = real[method](...args);
    if (changed(name, args, value)) effects += 1;
    if (name === "open") opened.set(value, args[0]);
    return value;
  };
}

function wrapAsync(name) {
  const { promises } = fs;
  const work = promises[name];
  promises[name] = async (...args) => {
    if (!counts(name, args)) return work.apply(promises, args);
    before(name, args);
    const value = await work.apply(promises, args);
    if (changed(name, args, value)) effects += 1;
    if (name === "open") wrapHandle(value, args[0]);
    return value;
  };
}

function wrapCallback(name) {
  fs[name] = (...args) => {
    const done = args.at(-1);
    if (!counts(name, args) || typeof done !== "function") return real[name](...args);
    before(name, args);
    return real[name](...args.slice(0, -1), (...answer) => {
      if (changed(name, args, answer[1])) effects += 1;
      done(...answer);
    });
  };
}

/** Files of the world that are open to be written, by their numbers. */
const opened = new Map();
fs.writeSync = (file, data, ...rest) => {
  const path = opened.get(file);
  if (path === undefined) return real.writeSync(file, data, ...rest);
  step(`write ${short(path)}`);
  if (!isPassing(path)) step(`half of write ${short(path)}`, () => real.writeSync(file, Buffer.from(data).subarray(0, data.length >> 1)));
  const value = real.writeSync(file, data, ...rest);
  effects += 1;
  return value;
};
fs.closeSync = (file) => {
  opened.delete(file);
  return real.closeSync(file);
};

function wrapHandle(handle, path) {
  for (const name of ["writeFile", "write", "appendFile"]) {
    const work = handle[name];
    handle[name] = async (data, ...rest) => {
      step(`write ${short(path)}`);
      if (!isPassing(path))
        step(`half of write ${short(path)}`, () => real.writeSync(handle.fd, Buffer.from(data).subarray(0, data.length >> 1)));
      try {
        return await work.call(handle, data, ...rest);
      } finally {
        effects += 1;
      }
    };
  }
}

/** Commands that change nothing: that one has ended is no new instant. */
const QUESTIONS = new Set(["config", "for-each-ref", "rev-list", "rev-parse", "list-panes", "list-sessions", "find", "stty"]);
const TAKES_VALUE = new Set(["-c", "-C", "-f", "-S"]);
function isQuestion([file, ...args]) {
  const verb = args.find((word, i) => !word.startsWith("-") && !TAKES_VALUE.has(args[i - 1]));
  return QUESTIONS.has(file.split("/").at(-1)) || QUESTIONS.has(verb);
}

childProcess.ChildProcess.prototype.spawn = function spawn(options) {
  const argv = (options.args ?? [options.file]).map(String);
  const words = argv.filter((word) => !word.startsWith("-")).slice(0, 4);
  const inside = /paste-buffer|send-keys/.exec(argv.join(" ")) ?? [];
  const name = [...words.map((word) => word.split("/").at(-1)), ...inside].join(" ").slice(0, 80);
  step(name);
  const result = realSpawn.call(this, options);
  const { pid } = this;
  if (pid === undefined) return result;
  children.add(pid);
  effects += 1;
  this.prependOnceListener("exit", () => {
    children.delete(pid);
    if (!isQuestion(argv)) effects += 1;
  });
  step(`started ${name}`);
  return result;
};

process.on("exit", () => step("the end"));
