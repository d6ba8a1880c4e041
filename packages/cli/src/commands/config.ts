import { booleanFlag, optional } from "../args.js";
import { type CommonFlags, FleetCommand, type Work } from "../base.js";
import { usage } from "../failure.js";
import { configFile } from "../input/config-file.js";
import { editFile } from "../input/edit.js";
import { nearest } from "../nearest.js";
import { jsonText } from "../render/output.js";
import type { Ui } from "../render/ui.js";
import { clean } from "../render/width.js";

const ACTIONS = ["show", "get", "set", "edit", "validate", "path"] as const;
type Action = (typeof ACTIONS)[number];

export class Config extends FleetCommand {
  static override summary = "Show, change and check the settings.";
  static override description =
    "Settings come from flags, AIFLEET_SECTION_KEY variables, the repository's trusted .aifleet/config.toml, the user's config.toml and defaults, strongest first. " +
    "`edit` opens the user's file in $VISUAL or $EDITOR and checks it afterwards.";
  static override usage = "config [show|get KEY|set KEY VALUE|edit|validate|path] [--show-origin] [--project]";
  static override examples = [
    "fleet config",
    "fleet config get agent.default",
    "fleet config set fleet.max_running 8",
    "fleet config edit",
    "fleet config show --show-origin",
  ];
  static override args = {
    action: optional("What to do. Default: show.", ACTIONS),
    key: optional("Dotted key, as in tmux.prefix."),
    value: optional("New value, as the file writes it."),
  };
  static override flags = {
    "show-origin": booleanFlag({ description: "Also where each value comes from.", default: false }),
    project: booleanFlag({ description: "`set`, `edit` and `path`: the repository's file instead of the user's.", default: false }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Config);
    const ui = this.ui(flags);
    const action = (args.action ?? "show") as Action;
    const words = [args.key, args.value].filter((word) => word !== undefined).length;
    const wanted = action === "set" ? 2 : action === "get" ? 1 : 0;
    if (words !== wanted)
      throw usage(`config ${action} takes ${["no argument", "a KEY", "a KEY and a VALUE"][wanted]}.`, "See `fleet config --help`.");
    const key = args.key ?? "";
    if (action === "edit") return this.edit(flags, ui, flags.project);
    if (action === "path") return this.path(flags, ui, flags.project);
    const ignoreProjectConfig = action === "set" ? { ignoreProjectConfig: true } : {};
    const work = (given: Work): Promise<void> => {
      if (action === "get") return get(given, ui, key, flags["show-origin"]);
      if (action === "set") return set(given, ui, key, args.value ?? "", flags.project);
      return action === "validate" ? validate(given, ui) : show(given, ui, flags["show-origin"]);
    };
    await this.withFleet(flags, ui, work, ignoreProjectConfig);
  }

  /** Needs no valid file: what is broken must be editable. */
  private async edit(flags: CommonFlags, ui: Ui, project: boolean): Promise<void> {
    const file = await configFile(project, (work) => this.withFleet(flags, ui, work, { ignoreProjectConfig: true }));
    await editFile(file);
    await this.withFleet(flags, ui, (given) => validate(given, ui), { ignoreProjectConfig: !project });
  }

  private async path(flags: CommonFlags, ui: Ui, project: boolean): Promise<void> {
    const open = (work: (given: Work) => Promise<string>): Promise<string> =>
      this.withFleet(flags, ui, work, { ignoreProjectConfig: true });
    const file = await configFile(project, open);
    if (ui.json) ui.document({ path: file });
    else ui.data(`${file}\n`);
  }
}

async function show({ fleet, warnings }: Work, ui: Ui, origins: boolean): Promise<void> {
  const values = fleet.configValues();
  if (ui.json) return ui.document({ values: values.map(({ key, value, origin, place }) => ({ key, value, origin, place })), warnings });
  for (const { key, value, origin, place } of values) {
    ui.line(
      `${key} = ${clean(JSON.stringify(value))}${origins ? `  ${ui.paint("dim", `# ${origin}${place === null ? "" : `: ${clean(place)}`}`)}` : ""}`,
    );
  }
}

async function get({ fleet }: Work, ui: Ui, key: string, origins: boolean): Promise<void> {
  const values = fleet.configValues();
  const found = values.find((entry) => entry.key === key);
  if (found === undefined) {
    const near = nearest(
      key,
      values.map((entry) => entry.key),
    );
    throw usage(`There is no setting ${key}.`, near === null ? "`fleet config` shows all of them." : `Did you mean ${near}?`, { key });
  }
  if (ui.json) return ui.document({ key, value: found.value, origin: found.origin, place: found.place });
  ui.data(`${typeof found.value === "string" ? found.value : jsonText(found.value)}\n`);
  if (origins) ui.note(`${found.origin}${found.place === null ? "" : `: ${clean(found.place)}`}`);
}

async function set({ fleet }: Work, ui: Ui, key: string, value: string, project: boolean): Promise<void> {
  const written = await fleet.setConfig(key, value, { scope: project ? "project" : "user" });
  if (ui.json) ui.document({ key, value: written.value, file: written.file });
  else ui.line(`${key} = ${clean(JSON.stringify(written.value))} in ${clean(written.file)}`);
}

async function validate({ fleet }: Work, ui: Ui): Promise<void> {
  const { notes } = fleet.config();
  if (ui.json) return ui.document({ valid: true, notes });
  for (const note of notes) ui.warn(note);
  ui.line("The settings are valid.");
}
