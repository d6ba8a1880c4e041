import { isTmuxServer, type Row, type Table } from "./table.js";

/** A process group of which every process was found to be a victim. */
export interface Group {
  readonly id: number;
  readonly session: number;
  /** Start time of the process that has the group's id for its pid, null where there was none. */
  readonly leader: string | null;
}

/** The groups whose living members are victims, every one. */
export function groupsOf(victims: readonly Row[], table: Table): Group[] {
  const ours = new Set(victims.map((row) => row.pid));
  const foreign = new Set([...table.values()].filter((row) => !row.zombie && !ours.has(row.pid)).map((row) => row.group));
  const whole = new Map(victims.filter((row) => row.group > 1 && !foreign.has(row.group)).map((row) => [row.group, row.session]));
  return [...whole].map(([id, session]) => ({ id, session, leader: table.get(id)?.start ?? null }));
}

/**
 * Whether a group is still the one that was found. A process can join a group only from within its terminal
 * session, and the system gives a group's id to nobody while it has members: with the same session and the same
 * leader, or still none, all that is in it came from there.
 */
export function isStillOurs(group: Group, table: Table, spared: ReadonlySet<number>): boolean {
  // Those that ended count: they hold the group's id as well.
  const members = [...table.values()].filter((row) => row.group === group.id);
  return (
    members.length > 0 &&
    (table.get(group.id)?.start ?? group.leader) === group.leader &&
    members.every((row) => row.session === group.session && !isTmuxServer(row) && !spared.has(row.pid))
  );
}

export function membersOf(group: number, table: Table): Row[] {
  return [...table.values()].filter((row) => row.group === group && !row.zombie);
}
