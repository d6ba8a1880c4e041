import type { Call } from "../ports/index.js";
import type { Deps } from "./deps.js";
import { cpuOf, type Seen } from "./look.js";
import { observe, type Reconciled } from "./reconcile.js";

/** The same agents with processor time and memory as they are now. */
export async function measured(deps: Deps, { agents, sessions }: Reconciled, call?: Call): Promise<Reconciled> {
  const pids = agents.flatMap(({ session }) => (session && !session.dead ? [session.pid] : []));
  const [samples, last] = await Promise.all([deps.processes.sample(pids, call), deps.observations.read()]);
  const now = deps.clock.now();
  const fresh = agents.map((seen): Seen => {
    const sample = seen.session && !seen.session.dead ? (samples.get(seen.session.pid) ?? null) : null;
    return { ...seen, sample, cpu: sample === null ? null : cpuOf(sample, last.get(seen.record.id), now) };
  });
  await observe(deps, fresh);
  return { agents: fresh, sessions };
}
