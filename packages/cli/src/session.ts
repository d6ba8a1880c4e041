import { setMaxListeners } from "node:events";
import { closeSync, fstatSync } from "node:fs";
import { isatty } from "node:tty";

/**
 * What one run of the program shares: the signal of Ctrl+C, and what must be put back before it ends.
 *
 * The first signal aborts the work in hand, which undoes or finishes its step; the second ends at once.
 */
class Session {
  readonly #controller = new AbortController();
  readonly #restore = new Set<() => void>();
  /** Exit code of the signal that came, null while none has. */
  interrupted: number | null = null;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** To be done before the program ends, however it does (cursor, terminal). Returns what takes it back. */
  onExit(restore: () => void): () => void {
    this.#restore.add(restore);
    return () => this.#restore.delete(restore);
  }

  restore(): void {
    for (const undo of this.#restore) undo();
    this.#restore.clear();
  }

  /** A child has the terminal: signals of the keyboard are its own for the time. */
  handedOver = false;

  listen(): void {
    // One run may wait for many agents at once, each with an ear of its own.
    setMaxListeners(0, this.#controller.signal);
    const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
    for (const name of Object.keys(codes) as (keyof typeof codes)[]) {
      process.on(name, () => {
        if (this.handedOver && name === "SIGINT") return;
        if (this.interrupted !== null) {
          this.restore();
          process.exit(codes[name]);
        }
        this.interrupted = codes[name];
        this.#controller.abort(name);
      });
    }
    process.on("exit", () => {
      this.restore();
      leaveTerminals();
    });
  }
}

/** Node resets its terminals last, and aborts where one is gone by then (as when an agent kills itself). A closed file it passes over. */
function leaveTerminals(): void {
  for (const file of [0, 1, 2]) {
    try {
      if (fstatSync(file).isCharacterDevice() && !isatty(file)) closeSync(file);
    } catch {
      // It is closed.
    }
  }
}

export const session = new Session();
