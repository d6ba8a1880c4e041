import { readEntries } from "../queued/entries.js";
import { placesOf } from "../queued/place.js";
import { waitingIn } from "../queued/wake.js";
import { type Check, type Finding, note, ok, problem } from "./finding.js";

/** The agents that wait for a place, of all repositories: which of them cannot be started whatever room there is. */
export const checkQueue: Check = async ({ deps }) => {
  const queued = await readEntries(deps);
  const findings: Finding[] = queued.broken.map((name) =>
    problem(
      "queue",
      `${deps.paths.queue}/${name} cannot be read: the agent it stands for is not started.`,
      "Look into it, then remove it yourself.",
    ),
  );
  const placeOf = placesOf(deps);
  const waiting = waitingIn(queued);
  for (const entry of waiting) {
    const { branch, adapter, id } = entry.record;
    const place = await placeOf(entry);
    const why = typeof place === "string" ? place : place.adapters.get(adapter) === null ? `there is no agent "${adapter}" any more` : null;
    if (why !== null)
      findings.push(problem("queue", `${branch} is queued and cannot be started: ${why}.`, `Mend that, or fleet kill ${id}`));
  }
  for (const { record } of queued.entries.values()) {
    if (record.status !== "failed") continue;
    findings.push(
      note("queue", `${record.branch} could not be started: ${record.problem ?? "nobody knows why"}`, `fleet resume ${record.id}`),
    );
  }
  if (waiting.length > 0) findings.unshift(ok("queue", `${waiting.length} ${waiting.length === 1 ? "agent is" : "agents are"} queued.`));
  return findings;
};
