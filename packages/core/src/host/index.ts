export * from "./local.js";
