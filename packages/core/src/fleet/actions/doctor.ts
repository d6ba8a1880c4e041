import type { Check, Finding } from "../../engine/checkup/finding.js";
import { checkHome, checkLocks } from "../../engine/checkup/home.js";
import { checkOrphans } from "../../engine/checkup/orphans.js";
import { checkPool } from "../../engine/checkup/pool.js";
import { checkQueue } from "../../engine/checkup/queue.js";
import { checkRemains } from "../../engine/checkup/remains.js";
import { checkTools } from "../../engine/checkup/tools.js";
import { checkTrash } from "../../engine/checkup/trash.js";
import type { Deps } from "../../engine/deps.js";
import { toFleetError } from "../../errors/index.js";
import type { CallOptions, DoctorReport } from "../types.js";
import { fill } from "./call.js";

const CHECKS: readonly (readonly [string, Check])[] = [
  ["tools", checkTools],
  ["home", checkHome],
  ["locks", checkLocks],
  ["agents", checkOrphans],
  ["pool", checkPool],
  ["queue", checkQueue],
  ["trash", checkTrash],
  ["removed", checkRemains],
];

/** Looks at everything, one check after the other; a check that cannot look is a finding itself. */
export async function doctor(deps: Deps, options: { readonly fix?: boolean }, call?: CallOptions): Promise<DoctorReport> {
  const full = fill(call);
  const findings: Finding[] = [];
  for (const [name, check] of CHECKS) {
    try {
      findings.push(...(await check({ deps, fix: options.fix === true, warn: full.warn, call: full })));
    } catch (error) {
      const known = toFleetError(error);
      if (known.code === "INTERRUPTED") throw known;
      findings.push({ check: name, state: "problem", message: known.message, fix: known.hint });
    }
  }
  return { findings, healthy: findings.every(({ state }) => state !== "problem") };
}
