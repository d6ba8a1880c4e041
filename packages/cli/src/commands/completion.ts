import { optional } from "../args.js";
import { FleetCommand } from "../base.js";
import { SHELLS, type Shell, scriptFor } from "../completion/scripts.js";
import { usage } from "../failure.js";
import { output } from "../render/output.js";

export class Completion extends FleetCommand {
  static override summary = "Print a completion script for your shell.";
  static override description = "It completes commands, flags and their values, branches of agents and batches. Works for fleet and flt.";
  static override usage = "completion bash|zsh|fish";
  static override examples = [
    "fleet completion bash >> ~/.bashrc",
    "fleet completion zsh > ~/.zfunc/_fleet",
    "fleet completion fish > ~/.config/fish/completions/fleet.fish",
  ];
  static override args = { shell: optional("The shell.", SHELLS) };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Completion);
    const ui = this.ui(flags);
    if (args.shell === undefined) throw usage("Name the shell: bash, zsh or fish.", "For example: fleet completion bash >> ~/.bashrc");
    const script = scriptFor(args.shell as Shell);
    if (ui.json) ui.document({ shell: args.shell, script });
    else output.write(script);
  }
}
