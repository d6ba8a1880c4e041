export * from "./codes.js";
export * from "./fleet-error.js";
