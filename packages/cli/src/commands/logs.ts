import { booleanFlag, required, stringFlag, wholeNumber } from "../args.js";
import { FleetCommand } from "../base.js";
import { output } from "../render/output.js";
import { clean } from "../render/width.js";

export class Logs extends FleetCommand {
  static override summary = "Show what an agent printed.";
  static override description =
    "Reads the live screen and its history, or the kept log when the agent is gone. --follow ends with the agent or on Ctrl+C; with --json it prints one line of JSON a line.";
  static override usage = "logs BRANCH [-n LINES] [--follow] [--raw]";
  static override examples = ["fleet logs fix-auth -n 100", "fleet logs fix-auth --follow", "fleet logs fix-auth --raw > session.log"];
  static override args = { branch: required("Branch or id of the agent.") };
  static override flags = {
    lines: stringFlag({ char: "n", description: "How many lines from the end.", helpValue: "LINES", default: "100" }),
    follow: booleanFlag({ char: "f", description: "Go on with new lines as they come.", default: false }),
    raw: booleanFlag({ description: "What the program wrote, escape sequences and all.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs);
    const ui = this.ui(flags);
    const options = { lines: wholeNumber("--lines", flags.lines, 1, 10_000_000), raw: flags.raw };
    await this.withFleet(flags, ui, async ({ fleet, call }) => {
      if (!flags.follow) {
        const lines = await fleet.logs(args.branch, options, call);
        if (ui.json) return ui.document({ branch: args.branch, lines });
        return flags.raw ? output.write(lines.map((line) => `${line}\n`).join("")) : ui.lines(lines.map(shown));
      }
      const signal = AbortSignal.any([...(call.signal ? [call.signal] : []), output.gone]);
      for await (const line of fleet.follow(args.branch, { ...options, ...call, signal })) {
        if (ui.json) ui.record({ branch: args.branch, line });
        else if (flags.raw) output.write(`${line}\n`);
        else ui.line(shown(line));
      }
    });
  }
}

function shown(line: string): string {
  return clean(line, { keepNewlines: true });
}
