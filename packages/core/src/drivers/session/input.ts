import { FleetError } from "../../errors/index.js";
import { token } from "../../host/index.js";
import type { Key } from "../../model/index.js";
import type { Call, KeyReceipt, PasteReceipt } from "../../ports/index.js";
import { type TmuxClient, tmuxFailure } from "./client.js";

/** Set on a pane whose terminal was given a text and no Enter yet. */
const UNSENT = "@aifleet_unsent";

/**
 * Typing into a pane. Each act is one tmux call that asks first whether the pane lives and belongs to
 * the agent: a paste into a dead pane ends the whole server of tmux 3.3a, and a pane's id means
 * another pane after a restart of the server.
 *
 * A paste leaves a mark on the pane, which the Enter takes away, each in one step of the server: a text
 * whose `fleet` was killed before its Enter is known to stand there.
 */
export async function paste(client: TmuxClient, id: string, agent: string, text: string, call?: Call): Promise<PasteReceipt> {
  const buffer = `aifleet-${token()}`;
  // tmux keeps no empty buffer.
  if (text === "") return guarded(client, id, agent, "display-message -p SENT", undefined, call);
  const put = `paste-buffer -p -r -d -b ${buffer} -t ${id} ; set-option -p -t ${id} ${UNSENT} 1 ; display-message -p SENT`;
  const drop = `delete-buffer -b ${buffer} ; display-message -p -t ${id} '#{?pane_dead,DEAD,HELD}'`;
  // Asked again after the text has come in, which takes its time.
  const act = `load-buffer -b ${buffer} - ; ${free(id, agent, put, drop)}`;
  try {
    const receipt = await guarded(client, id, agent, act, text, call);
    if (receipt === "missing") await forget(client, buffer);
    return receipt;
  } catch (error) {
    await forget(client, buffer);
    throw error;
  }
}

export async function submit(client: TmuxClient, id: string, agent: string, call?: Call): Promise<KeyReceipt> {
  const act = `copy-mode -q -t ${id} ; send-keys -t ${id} Enter ; ${forgetUnsent(id)} ; display-message -p SENT`;
  return guarded(client, id, agent, act, undefined, call) as Promise<KeyReceipt>;
}

/** The command after which nothing counts as typed and not submitted. */
export function forgetUnsent(id: string): string {
  return `set-option -p -q -u -t ${id} ${UNSENT}`;
}

export async function press(client: TmuxClient, id: string, agent: string, keys: Key | readonly Key[], call?: Call): Promise<KeyReceipt> {
  const names = [keys].flat();
  const strange = names.find((name) => !/^[A-Za-z0-9-]+$/.test(name));
  if (strange !== undefined || names.length === 0) throw new FleetError("USAGE", `No key of a terminal: ${strange ?? "none"}.`);
  // In copy mode, where a person has scrolled back, keys would be commands.
  const act = `copy-mode -q -t ${id} ; send-keys -t ${id} ${names.join(" ")} ; display-message -p SENT`;
  return guarded(client, id, agent, act, undefined, call) as Promise<KeyReceipt>;
}

async function guarded(
  client: TmuxClient,
  id: string,
  agent: string,
  act: string,
  input: string | undefined,
  call: Call | undefined,
): Promise<PasteReceipt> {
  if (!/^%\d+$/.test(id) || !/^[A-Za-z0-9]+$/.test(agent)) throw new FleetError("USAGE", `No address of a session: ${id} of ${agent}.`);
  const why = `display-message -p -t ${id} '#{?#{==:#{@aifleet_id},${agent}},DEAD,MISSING}'`;
  const answer = await client.ask(condition(id, agent, act, why), { brief: true, ...(input === undefined ? {} : { input }) }, call);
  if (!answer.server) return "missing";
  const said = answer.stdout.trim().split("\n").at(-1);
  if (said === "SENT") return "sent";
  if (said === "DEAD") return "dead";
  if (said === "HELD") return "held";
  if (said === "MISSING" || /can't find (pane|window|session)/.test(answer.stderr)) return "missing";
  throw tmuxFailure("type into a session", answer);
}

function condition(id: string, agent: string, yes: string, no: string): string[] {
  return ["if-shell", "-F", "-t", id, isOwn(agent), yes, no];
}

function isOwn(agent: string): string {
  return `#{&&:#{==:#{@aifleet_id},${agent}},#{==:#{pane_dead},0}}`;
}

/** Whether it also holds no text yet, as a command inside a command: the words hold no double quote. */
function free(id: string, agent: string, yes: string, no: string): string {
  return `if-shell -F -t ${id} "#{&&:${isOwn(agent)},#{==:#{${UNSENT}},}}" "${yes}" "${no}"`;
}

/** Fine if it is not there; the paste's own outcome counts. */
async function forget(client: TmuxClient, buffer: string): Promise<void> {
  await client.ask(["delete-buffer", "-b", buffer]).catch(() => {});
}
