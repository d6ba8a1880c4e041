import { isFleetError, toFleetError } from "../../errors/index.js";
import { requireProgram } from "../program.js";
import { type Check, type Finding, note, ok, problem } from "./finding.js";

/** git, tmux and the agents' own programs: there and new enough. */
export const checkTools: Check = async ({ deps, call }) => {
  const versions: readonly (readonly [string, () => Promise<string>])[] = [
    ["git", () => deps.git.version(call)],
    ["tmux", () => deps.sessions.version(call)],
  ];
  const findings: Finding[] = [];
  for (const [tool, ask] of versions) {
    try {
      findings.push(ok(tool, `${tool} ${await ask()}`));
    } catch (error) {
      const known = toFleetError(error);
      if (known.code === "INTERRUPTED") throw known;
      findings.push(problem(tool, known.message, known.hint));
    }
  }
  return [...findings, ...(await checkAgents(deps))];
};

async function checkAgents(deps: Parameters<Check>[0]["deps"]): Promise<readonly Finding[]> {
  const there: string[] = [];
  const missing: string[] = [];
  for (const name of deps.adapters.names()) {
    const adapter = deps.adapters.get(name);
    const settings = deps.settings.config.agents[name];
    if (adapter === null) continue;
    try {
      await requireProgram(deps, settings?.command?.[0] ?? adapter.program, name, { ...deps.env, ...settings?.env });
      there.push(name);
    } catch (error) {
      if (!isFleetError(error, "AGENT_COMMAND_MISSING")) throw error;
      missing.push(name);
    }
  }
  const usual = deps.settings.config.agent.default;
  const findings = [
    ok("agents", `Installed: ${there.join(", ") || "none"}${missing.length > 0 ? `; not installed: ${missing.join(", ")}` : ""}`),
  ];
  if (missing.includes(usual)) {
    findings.push(note("agents", `The default agent "${usual}" is not installed.`, "fleet config set agent.default NAME"));
  }
  return findings;
}
