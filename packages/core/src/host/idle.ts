import { writtenBy } from "./pulse.js";

/** How often a process is looked at in the time it has for getting on. */
const LOOKS = 4;

/** A watch over a process that is expected to get on. */
export interface IdleWatch {
  /** It has printed something: it gets on. */
  printed(): void;
  /** It has ended, or is not to be watched any more. */
  end(): void;
}

/**
 * Calls `onIdle` once a process has neither printed nor, where the system tells, written anything for so many
 * milliseconds, with all it started in its group: one that fills a folder prints nothing and gets on all the same.
 */
export function watchIdle(pidOf: () => number | undefined, idleMs: number, onIdle: () => void): IdleWatch {
  let silentMs = 0;
  let hasPrinted = true;
  let written = 0;
  const timer = setInterval(() => {
    const pid = pidOf();
    const now = pid === undefined ? null : writtenBy(pid);
    const gotOn = hasPrinted || (now !== null && now !== written);
    hasPrinted = false;
    written = now ?? written;
    silentMs = gotOn ? 0 : silentMs + idleMs / LOOKS;
    if (silentMs < idleMs) return;
    clearInterval(timer);
    onIdle();
  }, idleMs / LOOKS);
  return {
    printed() {
      hasPrinted = true;
    },
    end() {
      clearInterval(timer);
    },
  };
}
