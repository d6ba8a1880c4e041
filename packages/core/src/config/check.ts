import { isAbsolute, join, resolve } from "node:path";
import { type KeySpec, NAME } from "./schema.js";
import { parseSize } from "./size.js";
import { splitWords } from "./words.js";

/** What paths in a value are filled in with. */
export interface Surroundings {
  /** The fleet's folder. */
  readonly fleetHome: string;
  /** The user's home. */
  readonly userHome: string;
  /** What relative paths start from. */
  readonly folder: string;
}

/** A value as the program uses it, or what is wrong with it ("must be …"). */
export type Checked = { readonly value: unknown } | { readonly wrong: string };

const ok = (value: unknown): Checked => ({ value });
const wrong = (sentence: string): Checked => ({ wrong: sentence });

/** Longest path a socket may have. */
const SOCKET_BYTES = 100;
const DETACH_KEY = /^(?:(?:[CMS]-){1,3}(?:[A-Za-z0-9\]^_\\]|Space|F(?:[1-9]|1[0-2]))|F(?:[1-9]|1[0-2]))$/;

/** Checks a value as TOML or JSON gave it. */
export function checkValue(spec: KeySpec, value: unknown, around: Surroundings): Checked {
  if (hasNul(value)) return wrong("must not contain a NUL character");
  switch (spec.type) {
    case "text":
      return typeof value === "string" ? ok(value) : wrong(`must be text in quotes${got(value)}`);
    case "name":
      return typeof value === "string" && NAME.test(value) ? ok(value) : wrong(`must be a name of letters, digits, _ and -${got(value)}`);
    case "revision":
      return typeof value === "string" && value.trim() !== "" && !value.startsWith("-")
        ? ok(value)
        : wrong(`must be a branch, tag or commit${got(value)}`);
    case "path":
      return checkPath(spec, value, around);
    case "prefix":
      return typeof value === "string" && /^[A-Za-z0-9_-]{0,40}$/.test(value)
        ? ok(value)
        : wrong(`must be at most 40 letters, digits, _ and -${got(value)}`);
    case "key":
      return typeof value === "string" && DETACH_KEY.test(value) ? ok(value) : wrong(`must be a key like C-q, M-x or F12${got(value)}`);
    case "pattern":
      return checkPattern(value);
    case "delivery":
      return value === "argv" || value === "paste" || value === "file"
        ? ok(value)
        : wrong(`must be "argv", "paste" or "file"${got(value)}`);
    case "sharing":
      return value === "copy" || value === "reflink" || value === "link"
        ? ok(value)
        : wrong(`must be "copy", "reflink" or "link"${got(value)}`);
    case "switch":
      return typeof value === "boolean" ? ok(value) : wrong(`must be true or false${got(value)}`);
    case "count":
    case "days":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= 10_000_000
        ? ok(value)
        : wrong(`must be a whole number of at least 1${got(value)}`);
    case "amount":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= 1000
        ? ok(value)
        : wrong(`must be a whole number from 0 to 1000${got(value)}`);
    case "seconds":
      return typeof value === "number" && Number.isFinite(value) && value > 0 && value <= 2_000_000
        ? ok(value)
        : wrong(`must be a number of seconds above 0${got(value)}`);
    case "size": {
      const bytes = parseSize(value);
      return bytes === null ? wrong(`must be a size like "20MB"${got(value)}`) : ok(bytes);
    }
    case "list":
      return isTextList(value) ? ok(value) : wrong(`must be an array of non-empty text, like ["…"]${kindOf(value)}`);
    case "files":
      return checkFiles(value);
    case "words":
    case "command":
      return checkWords(value, spec.type === "command");
    case "variables":
      return checkVariables(value);
  }
}

function checkPath(spec: KeySpec, value: unknown, around: Surroundings): Checked {
  if (typeof value !== "string" || value.trim() === "" || /[\n\r]/.test(value)) return wrong(`must be a path${got(value)}`);
  const filled = value
    .replace(/^~(?=\/|$)/, () => around.userHome)
    .replace(/\$(?:\{(AI_FLEET_HOME|HOME)\}|(AI_FLEET_HOME|HOME)(?![A-Za-z0-9_]))/g, (_, braced, plain) =>
      (braced ?? plain) === "HOME" ? around.userHome : around.fleetHome,
    );
  if (/^~[^/]/.test(filled)) return wrong(`must not name another user's home${got(value)}`);
  const path = isAbsolute(filled) ? resolve(filled) : join(around.folder, filled);
  if (spec.key === "tmux.socket" && Buffer.byteLength(path) > SOCKET_BYTES) return wrong(`must be at most ${SOCKET_BYTES} bytes long`);
  return ok(path);
}

function checkPattern(value: unknown): Checked {
  if (typeof value !== "string" || value === "") return wrong(`must be a regular expression${got(value)}`);
  try {
    new RegExp(value);
    return ok(value);
  } catch (error) {
    return wrong(`must be a regular expression: ${(error as Error).message}`);
  }
}

function checkFiles(value: unknown): Checked {
  if (!isTextList(value)) return wrong(`must be an array of relative paths or globs${got(value)}`);
  const outside = value.find((path) => isAbsolute(path) || path.split("/").includes("..") || path.startsWith("~"));
  return outside === undefined ? ok(value) : wrong(`must hold relative paths that stay inside, not ${JSON.stringify(outside)}`);
}

function checkWords(value: unknown, needed: boolean): Checked {
  const words = typeof value === "string" ? splitWords(value) : value;
  if (words === null) return wrong("has a quote or backslash that is not closed");
  if (!Array.isArray(words) || words.some((word) => typeof word !== "string")) {
    return wrong(`must be an array of text, or one string of words${kindOf(value)}`);
  }
  if (needed && (words.length === 0 || words[0] === "")) return wrong(`must name a program${kindOf(value)}`);
  return ok(words);
}

function checkVariables(value: unknown): Checked {
  if (!isTable(value)) return wrong(`must be a table of variables${kindOf(value)}`);
  const variables: Record<string, string> = Object.create(null);
  for (const [name, text] of Object.entries(value)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return wrong(`must hold names of variables, not ${JSON.stringify(name)}`);
    if (typeof text !== "string") return wrong(`must hold text: ${name}${kindOf(text, " is")}`);
    variables[name] = text;
  }
  return ok(variables);
}

/** Whether a value is a table: an object that is no array and no date. */
export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item.trim() !== "");
}

function hasNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (Array.isArray(value)) return value.some(hasNul);
  return isTable(value) && Object.entries(value).some(([name, item]) => name.includes("\0") || hasNul(item));
}

/** What kind of value it is, in a sentence, where the value itself may be a secret. */
function kindOf(value: unknown, before = ", not"): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.length === 0 ? `${before} an empty array` : `${before} such an array`;
  return `${before} ${isTable(value) ? "a table" : typeof value === "string" ? "text" : `a ${typeof value}`}`;
}

/** The value in a sentence. */
function got(value: unknown, before = ", not"): string {
  if (value === undefined) return "";
  if (isTable(value)) return `${before} a table`;
  const text = JSON.stringify(value) ?? String(value);
  return `${before} ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`;
}
