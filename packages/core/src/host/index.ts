export * from "./local.js";
export * from "./tool-checks.js";
