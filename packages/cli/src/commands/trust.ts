import { booleanFlag } from "../args.js";
import { FleetCommand } from "../base.js";
import { clean } from "../render/width.js";

export class Trust extends FleetCommand {
  static override summary = "Trust this repository's .aifleet/config.toml as it is now.";
  static override description =
    "Its settings can run commands on this machine, so they have no effect before. When the file changes, it is asked about again.";
  static override usage = "trust [--list|--revoke]";
  static override examples = ["fleet trust", "fleet trust --list", "fleet trust --revoke"];
  static override flags = {
    list: booleanFlag({ description: "Show what is trusted.", default: false, exclusive: ["revoke"] }),
    revoke: booleanFlag({ description: "Trust this repository's file no more.", default: false }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Trust);
    const ui = this.ui(flags);
    const options = { ignoreProjectConfig: true };
    if (flags.list) {
      const trusted = await this.withFleet(flags, ui, ({ fleet }) => fleet.trusted(), options);
      if (ui.json) return ui.document({ trusted });
      if (trusted.length === 0) ui.note("No project file is trusted.");
      return ui.lines(trusted.map(({ path, trustedAt }) => `${clean(path)}  ${ui.paint("dim", trustedAt)}`));
    }
    if (flags.revoke) {
      const revoked = await this.withFleet(flags, ui, ({ fleet }) => fleet.revokeTrust(), options);
      if (ui.json) return ui.document({ revoked });
      return ui.line(revoked ? "The project file is trusted no more." : "The project file was not trusted.");
    }
    const entry = await this.withFleet(flags, ui, ({ fleet }) => fleet.trust(), options);
    if (ui.json) ui.document({ trusted: entry });
    else ui.line(`Trusted ${clean(entry.path)}, as it is now.`);
  }
}
