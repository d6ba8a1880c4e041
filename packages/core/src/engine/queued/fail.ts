import type { FleetError } from "../../errors/index.js";
import type { AgentRecord } from "../../model/index.js";
import type { Deps } from "../deps.js";
import { screenFileOf, writeLogMeta } from "../logs.js";
import { forgetRecords, putRecords } from "./change.js";
import { type Entry, readEntry, removeEntry, writeEntry } from "./entries.js";

/** An agent that could not be started stays, failed, with the reason where people look for it: in the list and as its log. */
export async function noteFailure(deps: Deps, entry: Entry, error: FleetError): Promise<void> {
  const { id, worktree } = entry.record;
  const registered = (await deps.store.read()).agents.find((agent) => agent.id === id);
  // It died and left work: it is there as any agent that failed, or its mark says so.
  if (registered !== undefined && registered.adminDir !== "") return removeEntry(deps, id);
  if ("left" in error.data && (await deps.git.readLink(worktree)) !== null) return removeEntry(deps, id);
  const { data } = error;
  const record: AgentRecord = {
    ...entry.record,
    status: "failed",
    statusSource: "session",
    statusSince: new Date(deps.clock.now()).toISOString(),
    maker: null,
    exitCode: "exitCode" in data && typeof data.exitCode === "number" ? data.exitCode : null,
    problem: error.message,
  };
  await writeEntry(deps, { ...entry, record });
  await putRecords(deps, [record]);
  await writeLogMeta(deps, record);
  const output = "output" in data && typeof data.output === "string" ? data.output : "";
  const text = [
    `It could not be started: ${error.message}`,
    ...(error.hint === null ? [] : [error.hint]),
    ...(output === "" ? [] : ["", output]),
  ];
  await deps.host.files.write(screenFileOf(deps, id), `${text.join("\n")}\n`, 0o600, deps.paths.run);
}

/** Its start was called off: it is what the queue says of it now, or gone with its entry. */
export async function giveBack(deps: Deps, record: AgentRecord): Promise<void> {
  const entry = await readEntry(deps, record.id);
  await (entry === null ? forgetRecords(deps, [record]) : putRecords(deps, [entry.record]));
}
