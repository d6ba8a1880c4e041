import type { Deps } from "../../engine/deps.js";
import { mapPool } from "../../engine/pool.js";
import { findProgram } from "../../engine/program.js";
import { isFleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import { PERMISSION_MODES } from "../../model/index.js";
import type { AgentAdapter, LaunchContext } from "../../ports/index.js";
import type { AdapterInfo, CallOptions } from "../types.js";

/** Programs asked for their version at the same time; each is a runtime of its own. */
const AT_ONCE = 3;
/** How long one may take to say its version, milliseconds. */
const VERSION_MS = 10_000;

/** The agent programs there are: installed or not, their version, and what this fleet can do with each. */
export function adapters(deps: Deps, call?: CallOptions): Promise<AdapterInfo[]> {
  return mapPool(deps.adapters.names(), AT_ONCE, (name) => adapterInfo(deps, name, call), call);
}

export async function adapterInfo(deps: Deps, name: string, call?: CallOptions): Promise<AdapterInfo> {
  throwIfAborted(call?.signal);
  const { agent, agents } = deps.settings.config;
  const settings = agents[name];
  const unknown = { name, isDefault: name === agent.default, path: null, version: null, modes: [], resumes: false } as const;
  let adapter: AgentAdapter | null;
  try {
    adapter = deps.adapters.get(name);
  } catch (error) {
    // Settings that cannot work are this adapter's problem, not that of the others.
    if (!isFleetError(error, "CONFIG_INVALID")) throw error;
    return { ...unknown, title: name, program: null, status: "activity", problem: error.message };
  }
  if (adapter === null) return { ...unknown, title: name, program: null, status: "activity", problem: "There is no such adapter." };
  const program = settings?.command?.[0] ?? adapter.program;
  const path = await findProgram(deps, program, { ...deps.env, ...settings?.env });
  return {
    name,
    title: adapter.title,
    isDefault: name === agent.default,
    program,
    path: path === undefined ? program : path,
    version: path ? await versionOf(deps, adapter, path, call) : null,
    status: adapter.reports?.bodies !== undefined ? "hooks" : adapter.readsScreen !== false ? "screen" : "activity",
    modes: PERMISSION_MODES.filter((mode) => adapter.modes?.[mode] !== undefined),
    resumes: resumes(adapter),
    problem: path === null ? `${program} is not installed.` : null,
  };
}

async function versionOf(deps: Deps, adapter: AgentAdapter, path: string, call?: CallOptions): Promise<string | null> {
  if (adapter.versionArgs === undefined) return null;
  try {
    const { stdout } = await deps.host.run([path, ...adapter.versionArgs], { timeoutMs: VERSION_MS, endRest: true }, call);
    return /\d+(\.\d+)+[\w.+-]*/.exec(stdout)?.[0] ?? null;
  } catch (error) {
    const known = toFleetError(error);
    if (known.code === "INTERRUPTED") throw known;
    return null;
  }
}

function resumes(adapter: AgentAdapter): boolean {
  const context: LaunchContext = {
    id: "a0000000",
    branch: "branch",
    worktree: "/",
    repo: "/",
    prompt: null,
    promptFile: null,
    command: null,
    flags: [],
    conversation: "x",
    mode: null,
    reports: null,
    env: {},
  };
  return adapter.resume(context) !== null;
}
