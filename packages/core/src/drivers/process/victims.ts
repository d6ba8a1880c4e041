import type { ProcessIdentity } from "../../model/index.js";
import { type Group, isStillOurs, membersOf } from "./groups.js";
import { childrenOf, isTmuxServer, lineOf, type Row, type Table, treeOf } from "./table.js";

/** What {@link ProcessDriver.endTrees} is to end. */
export interface EndTarget {
  readonly root: ProcessIdentity | null;
  readonly marker: readonly [name: string, value: string];
}

/** What one scan knows. */
export interface Scan {
  readonly table: Table;
  readonly boot: string;
  /** Pids whose environment holds the marker. */
  carriers(marker: readonly [name: string, value: string]): Iterable<number>;
}

/**
 * The processes that belong to the targets at the moment of the scan: the trees of the roots and of
 * what was found before (`known`: its children may be orphans by now; `groups`: whatever is in them
 * now), everything in a terminal session that one of them led, and whoever carries the marker. Parents first.
 */
export function findVictims(
  targets: readonly EndTarget[],
  scan: Scan,
  known: ReadonlyMap<number, Row>,
  spared: ReadonlySet<number>,
  groups: Iterable<Group> = [],
): Row[] {
  const { table } = scan;
  const children = childrenOf(table);
  const victims = new Map<number, Row>();
  const addTree = (pid: number): void => {
    for (const row of treeOf(pid, table, children, spared)) victims.set(row.pid, row);
  };
  // The servers that roots run inside of: being inside one of these is no reason to be spared.
  const homes = new Set<number>();

  for (const { root } of targets) {
    if (root === null || root.boot !== scan.boot || table.get(root.pid)?.start !== root.start) continue;
    for (const server of lineOf(root.pid, table).filter(isTmuxServer)) homes.add(server.pid);
    addTree(root.pid);
  }
  for (const [pid, { start }] of known) if (table.get(pid)?.start === start) addTree(pid);
  for (const group of groups) if (isStillOurs(group, table, spared)) for (const row of membersOf(group.id, table)) addTree(row.pid);
  for (const { marker } of targets) {
    const carriers = new Set(scan.carriers(marker));
    // Who hands the marker down to everything it starts (a server that carries it, the caller inside an
    // agent) makes it prove nothing there.
    const isProof = (pid: number): boolean =>
      lineOf(pid, table).every((row) =>
        isTmuxServer(row) ? homes.has(row.pid) && !carriers.has(row.pid) : !(spared.has(row.pid) && carriers.has(row.pid)),
      );
    for (const pid of carriers) if (isProof(pid)) addTree(pid);
  }
  addSessions(victims, known, table);
  return [...victims.values()].filter((row) => row.pid > 1 && !row.zombie && !isTmuxServer(row) && !spared.has(row.pid));
}

/** Adds what lives in a terminal session that a victim leads or led: it came from there, whatever it did to its environment. */
function addSessions(victims: Map<number, Row>, known: ReadonlyMap<number, Row>, table: Table): void {
  const sessions = new Set<number>();
  for (const row of victims.values()) if (row.session === row.pid) sessions.add(row.pid);
  for (const [pid, row] of known) {
    // The system gives a leader's pid to nobody as long as its session has members, so a stranger under it means they are gone.
    if (row.session === pid && (table.get(pid)?.start ?? row.start) === row.start) sessions.add(pid);
  }
  for (const row of table.values()) if (row.session > 1 && sessions.has(row.session)) victims.set(row.pid, row);
}
