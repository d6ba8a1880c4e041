#!/usr/bin/env node
// Starts the one file that `npm run build` makes, through V8's code cache: compiling it anew would take
// longer than most commands. A cache that is missing, foreign or damaged is passed over.
"use strict";
const {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require("node:fs");
const { dirname, join } = require("node:path");
const { Script, constants } = require("node:vm");

const dist = join(__dirname, "..", "dist");
const bundle = join(dist, "fleet.cjs");

let source;
try {
  source = readFileSync(bundle, "latin1");
} catch {
  process.stderr.write("error: the command line is not built yet\nhint: run `npm run build` in the repository\n");
  process.exit(1);
}

// The bundle's last line is its own hash.
const hash = source.slice(-17, -1);
// One cache for each kind of command: V8 takes in the whole of one, whatever of it is then run.
const LOOKS = ["list", "logs", "path", "prompt", "wait", "diff", "answer", "attach", "__complete"];
const MAKES = ["create", "fanout", "multi", "resume"];
const [command = ""] = process.argv.slice(2);
const isHelp = !/^[a-z_]/.test(command) || command === "help" || process.argv.includes("--help") || process.argv.includes("-h");
const kind = isHelp ? "help" : LOOKS.includes(command) ? "look" : MAKES.includes(command) ? "make" : "rest";
const build = `fleet-${process.version}-${process.arch}-${hash}-`;
const name = `${build}${kind}.cache`;
const building = process.env.FLEET_CODE_CACHE === "build";
const places = [join(dist, name), join(home(), "cache", name)];

let script;
for (const place of places) {
  const cachedData = read(place);
  if (cachedData === undefined) continue;
  script = compile(cachedData);
  if (!script.cachedDataRejected) break;
}
const cached = script !== undefined && !script.cachedDataRejected;
script ??= compile();

if (building) process.on("exit", () => write(places[0], 0o644));
// After the run: what it compiled is what the next one needs.
else if (!cached) process.on("exit", () => keep());

const module_ = { exports: {} };
script.runInThisContext()(module_.exports, require, module_, bundle, dist);
module_.exports.main(process.argv.slice(2));

function compile(cachedData) {
  return new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: bundle,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

function home() {
  return process.env.AI_FLEET_HOME || join(process.env.HOME || require("node:os").homedir(), ".ai_fleet");
}

/**
 * A cache ends with its checksum: V8 believes whatever it is given, and a damaged one would crash it.
 * It is code: one that others may write is not read.
 */
function read(place) {
  let file;
  try {
    file = openSync(place, "r");
    const { uid, mode } = fstatSync(file);
    if ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.getuid())) return undefined;
    const bytes = readFileSync(file);
    const data = bytes.subarray(0, -4);
    return checksum(data) === bytes.readUInt32LE(data.length) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * FNV over words of four bytes, one in eight, which takes a fraction of what loading zlib for its crc32 does, or looking at each:
 * what a disk loses is blocks, and what a write left out is an end.
 */
function checksum(data) {
  const words = Math.floor(data.length / 4);
  const copied = data.byteOffset % 4 === 0 ? data : Uint8Array.from(data);
  const view = new Int32Array(copied.buffer, copied.byteOffset, words);
  let sum = 0x811c9dc5 ^ data.length;
  for (let at = 0; at < words; at += 8) sum = Math.imul(sum ^ view[at], 0x01000193);
  for (let at = words * 4; at < data.length; at += 1) sum = Math.imul(sum ^ data[at], 0x01000193);
  return sum >>> 0;
}

function write(place, mode) {
  const part = join(dirname(place), `.tmp-${process.pid}-cache`);
  try {
    const data = script.createCachedData();
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(checksum(data));
    writeFileSync(part, Buffer.concat([data, sum]), { mode });
    renameSync(part, place);
  } catch {
    // Without a cache the next start is slower, that is all. Half of one would take a full disk's last room.
    rmSync(part, { force: true });
  }
}

/** In the fleet's home, if there is one already: a start makes no folder by itself. */
function keep() {
  try {
    if (!lstatSync(home()).isDirectory()) return;
    const folder = join(home(), "cache");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Of this Node only the newest bundle's.
    const any = `fleet-${process.version}-${process.arch}-`;
    for (const old of readdirSync(folder)) if (old.startsWith(any) && !old.startsWith(build)) rmSync(join(folder, old), { force: true });
    write(places[1], 0o600);
  } catch {
    // No home yet.
  }
}
