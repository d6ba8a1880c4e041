import type { ConfigValue, LoadedConfig, ProjectType } from "../config/index.js";
import * as settings from "./actions/settings.js";
import type { Opened } from "./opened.js";
import type { TrustEntry } from "./types.js";

/** What a fleet does with its settings, and with the trust in a project's. */
export abstract class SettingsOfFleet {
  readonly #opened: Opened;

  protected constructor(opened: Opened) {
    this.#opened = opened;
  }

  /** The settings in force, with where they come from. */
  config(): LoadedConfig {
    return this.#opened.deps.settings;
  }

  /** Every key in force with its value as the file writes it. */
  configValues(): readonly ConfigValue[] {
    return settings.values(this.#opened.deps);
  }

  /** Sets one key in the user's file, or in the project's. Throws `CONFIG_INVALID`. */
  async setConfig(
    key: string,
    value: string,
    options: { readonly scope?: settings.ConfigScope } = {},
  ): Promise<{ readonly file: string; readonly value: unknown }> {
    const set = await settings.setConfig(this.#opened.deps, key, value, options.scope ?? "user");
    await this.#opened.reload();
    return set;
  }

  /** Makes `.aifleet/config.toml` for a kind of project. @default the kind its files suggest */
  init(options: { readonly type?: ProjectType | undefined } = {}): Promise<{ readonly file: string; readonly type: ProjectType }> {
    return settings.init(this.#opened.deps, options.type);
  }

  /**
   * Trusts the repository's project file as it is now. `hash`: only if its content has this SHA-256, that
   * is, if it is still what somebody was shown; else throws `NOT_TRUSTED`.
   */
  async trust(options: { readonly hash?: string } = {}): Promise<TrustEntry> {
    await this.#opened.reload();
    const entry = await settings.trust(this.#opened.deps, options.hash);
    await this.#opened.reload();
    return entry;
  }

  trusted(): Promise<readonly TrustEntry[]> {
    return settings.trusted(this.#opened.deps);
  }

  /** Takes the trust back; false if there was none. */
  async revokeTrust(): Promise<boolean> {
    const revoked = await settings.revokeTrust(this.#opened.deps);
    await this.#opened.reload();
    return revoked;
  }
}
