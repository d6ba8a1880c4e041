export * from "./local.js";
export { RUN_MARK } from "./run-mark.js";
export * from "./tool-checks.js";
