import type { Deps } from "../../engine/deps.js";
import { agentEnvironment } from "../../engine/environment.js";
import { mapPool } from "../../engine/pool.js";
import { isUnstarted } from "../../engine/queued/entries.js";
import { isSingle } from "../../engine/targets.js";
import { toFleetError } from "../../errors/index.js";
import type { Target } from "../../model/index.js";
import type { CallOptions, ExecOptions, ExecResult } from "../types.js";
import { find } from "./find.js";
import { requireStarted } from "./require.js";

/** Runs one command in each worktree, with the environment its agent has. The command is argv, not a shell line. */
export async function exec(
  deps: Deps,
  target: Target,
  argv: readonly [string, ...string[]],
  options: ExecOptions,
  call?: CallOptions,
): Promise<readonly ExecResult[]> {
  const all = await find(deps, target, call);
  const [first] = all;
  if (isSingle(target) && first !== undefined) requireStarted(first, "worktree");
  const chosen = all.filter(({ record }) => !isUnstarted(record));
  for (const { record } of all.filter((seen) => !chosen.includes(seen))) {
    const { branch, status } = record;
    call?.onWarning?.({ code: "NO_WORKTREE", branch, message: `${branch} is passed over: it is ${status} and has no worktree yet.` });
  }
  return mapPool(
    chosen,
    deps.settings.config.fleet.maxParallel,
    async ({ record }): Promise<ExecResult> => {
      const rest = { stdout: "", stderr: "" };
      const say = (stream: "stdout" | "stderr", text: string) => options.onLine?.({ branch: record.branch, stream, text });
      const onOutput = (stream: "stdout" | "stderr", text: string) => {
        const lines = (rest[stream] + text).split("\n");
        rest[stream] = lines.pop() ?? "";
        for (const line of lines) say(stream, line);
      };
      const env = {
        ...agentEnvironment(deps.env, deps.settings.config.agents[record.adapter]?.env ?? {}, record),
        ...terminalOf(deps.env),
      };
      try {
        const result = await deps.host.run(argv, { cwd: record.worktree, env, onOutput, keepBytes: 0 }, call);
        for (const stream of ["stdout", "stderr"] as const) if (rest[stream] !== "") say(stream, rest[stream]);
        return { branch: record.branch, exitCode: result.exitCode };
      } catch (error) {
        const known = toFleetError(error);
        if (known.code === "INTERRUPTED" || known.code === "TOOL_MISSING") throw known;
        say("stderr", known.message);
        return { branch: record.branch, exitCode: null };
      }
    },
    call,
  );
}

/** A command run for the caller may know the caller's terminal, unlike an agent. */
function terminalOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return env.TERM === undefined ? {} : { TERM: env.TERM };
}
