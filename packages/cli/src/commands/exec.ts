import type { ExecResult } from "@aifleet/core";
import { several, targetFlags } from "../args.js";
import { FleetCommand } from "../base.js";
import { usage } from "../failure.js";
import { onlyColors } from "../render/color.js";
import { clean } from "../render/width.js";
import { chosen } from "../target.js";

export class Exec extends FleetCommand {
  static override summary = "Run a command in agents' worktrees.";
  static override description =
    "At most fleet.max_parallel at once, without a shell. Output is marked by branch. Exit code 7 if the command fails in some of them.";
  static override usage = "exec [BRANCH|GLOB|--batch ID|--all] -- COMMAND…";
  static override examples = [
    "fleet exec --all -- npm test",
    'fleet exec "auth-*" -- git status --short',
    "fleet exec fix-auth -- sh -c 'make && make check'",
  ];
  static override args = { branches: several("Branches, ids or globs.") };
  static override flags = targetFlags;

  override async run(): Promise<void> {
    const words = this.argv;
    const end = words.indexOf("--");
    const { args, flags } = await this.parse(Exec, end === -1 ? words : words.slice(0, end));
    const ui = this.ui(flags);
    const [program, ...rest] = end === -1 ? [] : words.slice(end + 1);
    if (program === undefined) throw usage("The command is missing.", "Write it behind --: fleet exec --all -- npm test");
    const { target } = chosen(args.branches, flags);
    const heard = new Map<string, { stdout: string; stderr: string }>();
    const onLine = ({ branch, stream, text }: { branch: string; stream: "stdout" | "stderr"; text: string }): void => {
      if (!ui.json) {
        const line = `${(stream === "stdout" ? ui.paint : ui.paintNote)("cyan", `${clean(branch)} |`)} ${text}\n`;
        if (stream === "stdout") ui.data(line);
        else process.stderr.write(process.stderr.isTTY === true ? onlyColors(line) : line);
        return;
      }
      const kept = heard.get(branch) ?? { stdout: "", stderr: "" };
      kept[stream] += `${text}\n`;
      heard.set(branch, kept);
    };
    const results = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.exec(target, [program, ...rest], { onLine }, call));
    if (ui.json)
      ui.document({ results: results.map((result) => ({ ...result, ...(heard.get(result.branch) ?? { stdout: "", stderr: "" }) })) });
    else for (const result of results.filter(failed)) ui.note(`${ui.paintNote("red", "✗")} ${clean(result.branch)}: ${fate(result)}`);
    process.exitCode = results.some(failed) ? 7 : 0;
  }
}

function failed({ exitCode }: ExecResult): boolean {
  return exitCode !== 0;
}

function fate({ exitCode }: ExecResult): string {
  return exitCode === null ? "could not be run" : `exit code ${exitCode}`;
}
