import type { Deps } from "../engine/deps.js";
import { openDeps } from "./defaults.js";
import type { FleetOpenOptions } from "./types.js";

/** What an opened fleet works with, which changes when its settings do. */
export class Opened {
  readonly #options: FleetOpenOptions;
  #deps: Deps;

  private constructor(options: FleetOpenOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
  }

  static async open(options: FleetOpenOptions): Promise<Opened> {
    return new Opened(options, await openDeps(options));
  }

  get deps(): Deps {
    return this.#deps;
  }

  /** Takes up settings that have changed by what was just done. */
  async reload(): Promise<void> {
    this.#deps = await openDeps(this.#options);
  }
}
