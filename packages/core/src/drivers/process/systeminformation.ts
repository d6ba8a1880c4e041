import { FleetError, throwIfAborted, toFleetError } from "../../errors/index.js";
import type { TreeSample } from "../../model/index.js";
import type { Call, Host, ProcessDriver } from "../../ports/index.js";
import { endTrees, type ProcessHands } from "./end-trees.js";
import { type PsRow, psCommands, psRows } from "./ps.js";
import { ownPids, sendSignal, signalGroup } from "./signal.js";
import { childrenOf, type Row, type Table, treeOf } from "./table.js";

/** `ps` works start times out from the clock, and may be off by one second from call to call. */
const START_SLACK = 2;

/**
 * Processes of this machine where there is no /proc: memory and trees from systeminformation,
 * identities and times from `ps`, which is quicker. Start times are seconds here.
 */
export function systemInformationDriver(options: { readonly host: Host }): ProcessDriver {
  const { host } = options;
  if (host.id !== "local") throw new FleetError("DRIVER_FAILED", `systeminformation sees this machine only, not ${host.id}.`);
  const starts = new Map<number, string>();
  /** The start time a pid was first seen with, as long as what ps says stays within the slack: equal for the same process. */
  const settled = <R extends Row>(row: R): R => {
    const before = starts.get(row.pid);
    if (before !== undefined && Math.abs(Number(before) - Number(row.start)) <= START_SLACK) return { ...row, start: before };
    starts.set(row.pid, row.start);
    return row;
  };
  const rowsOf = async (pids: readonly number[] | null, call?: Call): Promise<ReadonlyMap<number, PsRow>> =>
    new Map([...(await psRows(host, pids, call))].map(([pid, row]) => [pid, settled(row)]));
  let boot: Promise<string> | undefined;
  const bootOf = (): Promise<string> => {
    boot ??= readBoot(host);
    return boot;
  };
  const hands: ProcessHands = {
    spared: ownPids(host),
    async scan(_before, call) {
      const [table, bare, full] = [await rowsOf(null, call), await psCommands(host, false, call), await psCommands(host, true, call)];
      return { table, boot: await bootOf(), carriers: (marker) => carriersOf(marker, bare, full) };
    },
    async starts(pids, call) {
      const alive = [...(await rowsOf(pids, call)).values()].filter((row) => !row.zombie);
      return new Map(alive.map(({ pid, start }) => [pid, start]));
    },
    table: (call) => rowsOf(null, call),
    signal: (pid, name) => sendSignal(host, pid, name),
    signalGroup: (group, name) => signalGroup(host, group, name),
  };
  const driver: ProcessDriver = {
    async self(call = {}) {
      const identity = (await driver.identify([process.pid], call)).get(process.pid);
      if (identity === undefined) throw new FleetError("DRIVER_FAILED", "This process cannot be found.");
      return identity;
    },
    async identify(pids, call = {}) {
      throwIfAborted(call.signal);
      const [rows, id] = [await rowsOf(pids, call), await bootOf()];
      const alive = [...rows.values()].filter((row) => !row.zombie);
      return new Map(alive.map(({ pid, start }) => [pid, { pid, start, boot: id }]));
    },
    async isAlive(identity, call = {}) {
      const now = (await driver.identify([identity.pid], call)).get(identity.pid);
      return now !== undefined && now.boot === identity.boot && Math.abs(Number(now.start) - Number(identity.start)) <= START_SLACK;
    },
    async sample(roots, call = {}) {
      throwIfAborted(call.signal);
      if (roots.length === 0) return new Map();
      const [memory, table] = [await residentMemory(), await rowsOf(null, call)];
      return sampleTrees(roots, table, memory);
    },
    // This kind of host shows neither what a process reads nor what it blocks in.
    bytesRead: async () => null,
    openFiles: async () => null,
    awaitsInput: async () => new Map(),
    async foreground(pid, call = {}) {
      throwIfAborted(call.signal);
      const group = (await psRows(host, [pid], call)).get(pid)?.foreground ?? -1;
      if (group <= 0) return null;
      const members = [...(await psRows(host, null, call)).values()].filter((row) => row.group === group && !row.zombie);
      const leader = members.find((row) => row.pid === group) ?? members[0];
      if (leader === undefined) return null;
      const command = (await psCommands(host, false, call)).get(leader.pid) ?? leader.name;
      // ps joins arguments with blanks; where one holds a blank, the cut is a guess.
      return { pid: leader.pid, argv: command.trim().split(/ +/) };
    },
    async freeMemory() {
      const { default: si } = await import("systeminformation");
      return (await si.mem()).available;
    },
    async endTrees(targets, { graceMs }, call) {
      // The caller's start times may be a second off ours.
      const roots = await rowsOf(
        targets.flatMap(({ root }) => root?.pid ?? []),
        call,
      );
      const exact = targets.map(({ root, marker }) => {
        const now = root === null ? undefined : roots.get(root.pid);
        const same = root !== null && now !== undefined && Math.abs(Number(now.start) - Number(root.start)) <= START_SLACK;
        return { marker, root: same ? { ...root, start: now.start } : null };
      });
      return endTrees(hands, exact, graceMs, call);
    },
  };
  return driver;
}

function sampleTrees(roots: readonly number[], table: Table<PsRow>, memory: ReadonlyMap<number, number>): ReadonlyMap<number, TreeSample> {
  const children = childrenOf(table);
  const samples = new Map<number, TreeSample>();
  for (const root of roots) {
    const first = table.get(root);
    if (first === undefined || first.zombie) continue;
    const running = treeOf(root, table, children).filter((row) => !row.zombie);
    samples.set(root, {
      pids: running.map((row) => row.pid),
      memory: running.reduce((total, row) => total + (memory.get(row.pid) ?? 0), 0),
      cpuMs: running.reduce((total, row) => total + row.cpuMs, 0),
      ageMs: first.ageMs,
    });
  }
  return samples;
}

async function residentMemory(): Promise<ReadonlyMap<number, number>> {
  const { default: si } = await import("systeminformation");
  try {
    const { list } = await si.processes();
    return new Map(list.map(({ pid, memRss }) => [pid, memRss * 1024]));
  } catch (error) {
    throw toFleetError(error, "Processes cannot be seen");
  }
}

/** Pids with the marker among the variables that `full` shows behind the command line of `bare`. */
function carriersOf(
  [name, value]: readonly [string, string],
  bare: ReadonlyMap<number, string>,
  full: ReadonlyMap<number, string>,
): number[] {
  const entry = ` ${name}=${value} `;
  return [...full].flatMap(([pid, text]) => {
    const command = bare.get(pid);
    // Only what stands behind the arguments is environment: naming the marker in an argument is no crime.
    return command !== undefined && text.startsWith(command) && `${text.slice(command.length)} `.includes(entry) ? [pid] : [];
  });
}

/** What tells one boot from another: Linux and macOS have an id for it, elsewhere the moment serves. */
async function readBoot(host: Host): Promise<string> {
  const id = (await host.files.readMany(["/proc/sys/kernel/random/boot_id"]))[0];
  if (id != null) return id.trim();
  for (const name of ["kern.bootsessionuuid", "kern.boottime"]) {
    const { exitCode, stdout } = await host.run(["sysctl", "-n", name]);
    if (exitCode === 0 && stdout.trim() !== "") return stdout.trim();
  }
  throw new FleetError("DRIVER_FAILED", "The boot of this machine cannot be told from others.");
}
