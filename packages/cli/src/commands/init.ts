import { stringFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { clean } from "../render/width.js";

const TYPES = ["rails", "node", "python", "generic"] as const;

export class Init extends FleetCommand {
  static override summary = "Write settings for this repository.";
  static override description = "Makes .aifleet/config.toml, with setup commands and credential files as projects of that type need them.";
  static override usage = "init [--type rails|node|python|generic]";
  static override examples = ["fleet init", "fleet init --type node"];
  static override flags = { type: stringFlag({ description: "Kind of project. Default: found out.", options: [...TYPES] }) };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Init);
    const ui = this.ui(flags);
    const type = TYPES.find((name) => name === flags.type);
    const result = await this.withFleet(flags, ui, ({ fleet }) => fleet.init({ type }));
    if (ui.json) return ui.document(result);
    ui.line(`Wrote ${clean(result.file)} (${result.type}).`);
    ui.line(ui.paint("dim", "Read it, change it, commit it if it is for everyone. `fleet config validate` checks it."));
  }
}
