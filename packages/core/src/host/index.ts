export { endGroup, forget, remember } from "./group.js";
export { type IdleWatch, watchIdle } from "./idle.js";
export { adoptLibraryChildren, libraryChild } from "./library-child.js";
export * from "./local.js";
export { printable } from "./printable.js";
export { isAtWork, type Pulse, pulseOf } from "./pulse.js";
export { RUN_MARK } from "./run-mark.js";
export { token } from "./token.js";
export * from "./tool-checks.js";
