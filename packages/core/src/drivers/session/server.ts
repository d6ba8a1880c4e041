import { FleetError } from "../../errors/index.js";
import type { TmuxClient } from "./client.js";
import { tmuxConf } from "./conf.js";
import { globLiteral, tmuxWord } from "./quote.js";
import type { TmuxOptions } from "./settings.js";

/**
 * Makes what a server needs before it can be started: folders and the conf. Returns the line that
 * brings a running server up to date, which a server started just now skips.
 */
export async function prepareServer(options: TmuxOptions, client: TmuxClient): Promise<string> {
  const { files } = client.host;
  await files.makeFolder(options.runFolder);
  await makeSocketFolder(options);
  const conf = tmuxConf(options.settings);
  if ((await files.read(options.confFile)) !== conf.text) {
    await files.makeFolder(folderOf(options.confFile));
    await files.write(options.confFile, conf.text);
  }
  const source = `source-file ${tmuxWord(globLiteral(options.confFile))}`;
  return `if-shell -F '#{!=:#{@aifleet_conf},${conf.hash}}' ${tmuxWord(source)}`;
}

/**
 * The folder of a short socket lies where everyone may write. Setting its mode fails unless it is our
 * own, so that nobody can have made it beforehand and put a server of theirs into it.
 */
async function makeSocketFolder({ host, socket }: TmuxOptions): Promise<void> {
  const folder = folderOf(socket);
  await host.files.makeFolder(folder);
  if (!/\/aifleet-\d+$/.test(folder)) return;
  const stat = await host.files.stat(folder);
  if (stat?.kind !== "folder") throw new FleetError("PERMISSION_DENIED", `${folder} is no folder, tmux's socket cannot lie in it.`);
  await host.files.setMode(folder, 0o700);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
