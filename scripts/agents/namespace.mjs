// Where real agent programs run: a network of loopback alone, a /home of its own in memory, a process table that ends
// with it. Nothing they do reaches the machine's user, nor the world.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { cacheFolder } from "./cli.mjs";

/** The home inside; its paths are the same on every machine, so recordings name none. */
export const HOME = "/home/dev";
export const REPO = `${HOME}/shop`;

const SETUP = 'mount -t tmpfs -o size=4g tmpfs /home && hostname dev && ip link set lo up && exec "$@"';

function argvOf(asRoot) {
  const user = asRoot ? [] : ["--user", "--map-root-user"];
  return ["unshare", ...user, "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SETUP, "sh"];
}

const asRoot = () => process.getuid?.() === 0;

/** Why this machine cannot make such a place; null where it can. */
export function missing() {
  if (process.platform !== "linux") return "network namespaces need Linux";
  const [command, ...args] = [...argvOf(asRoot()), "true"];
  const tried = spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
  if (tried.error) return `${command} is not there: ${tried.error.message}`;
  return tried.status === 0 ? null : `no namespace with loopback alone: ${tried.stderr.trim().split("\n")[0]}`;
}

/** Runs this script again inside; true when that is where it runs already. */
export function inside(script, args) {
  if (process.env.AIFLEET_LAB === "inside") {
    mkdirSync(HOME, { recursive: true });
    return true;
  }
  const [command, ...words] = [...argvOf(asRoot()), process.execPath, script, ...args];
  const env = { ...process.env, AIFLEET_LAB: "inside", AIFLEET_AGENTS_CACHE: cacheFolder() };
  process.exitCode = spawnSync(command, words, { stdio: "inherit", env }).status ?? 1;
  return false;
}
