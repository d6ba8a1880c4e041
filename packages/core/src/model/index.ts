export * from "./agent.js";
export * from "./events.js";
export * from "./process.js";
export * from "./repository.js";
export * from "./saved.js";
export * from "./session.js";
export * from "./status.js";
export * from "./target.js";
