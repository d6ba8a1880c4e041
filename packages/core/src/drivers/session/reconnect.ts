import { elapsedMs } from "../../model/index.js";
import type { Call } from "../../ports/index.js";
import type { TmuxClient } from "./client.js";

/** How long a server has to make its socket again, milliseconds. */
const WAIT_MS = 2000;

/**
 * A server whose socket was deleted, or replaced, lives on and is reached by nobody. It makes its socket again on
 * SIGUSR1. `pids`: programs that may be its children. Sent only to a tmux server that was started for this very
 * socket, and only while nobody answers there: else another server would lose its own.
 */
export async function reconnect(client: TmuxClient, socket: string, pids: readonly number[], call?: Call): Promise<boolean> {
  const { files, id } = client.host;
  if (id !== "local" || pids.length === 0) return false;
  const isReached = async () => (await client.ask(["list-sessions"], {}, call)).server;
  if (await isReached()) return false;
  const stats = await files.readMany(pids.map((pid) => `/proc/${pid}/stat`));
  const parents = new Set(stats.flatMap((stat) => /^.*\) \S (\d+) /s.exec(stat ?? "")?.[1] ?? []));
  for (const parent of parents) {
    const [name, argv] = await files.readMany([`/proc/${parent}/comm`, `/proc/${parent}/cmdline`]);
    if (name?.trim() !== "tmux: server" || !argv?.includes(`\0-S\0${socket}\0`)) continue;
    try {
      process.kill(Number(parent), "SIGUSR1");
    } catch {
      continue;
    }
    for (const end = elapsedMs() + WAIT_MS; elapsedMs() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (await isReached()) return true;
    }
  }
  return false;
}
