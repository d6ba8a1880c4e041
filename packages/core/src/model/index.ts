export * from "./agent.js";
export * from "./events.js";
export * from "./process.js";
export * from "./repository.js";
export * from "./session.js";
export * from "./status.js";
