export { BUILT_IN_ADAPTERS } from "./agents/registry.js";
export type { Config, ConfigOrigin, ConfigValue, HomePaths, LoadedConfig, ProjectFile, ProjectType } from "./config/index.js";
export { configReference, homeOf, homePaths, PROJECT_TYPES, settingsOfText } from "./config/index.js";
export * from "./errors/index.js";
export { Agent } from "./fleet/agent.js";
export { type Batch, Fleet } from "./fleet/fleet.js";
export type * from "./fleet/types.js";
export * from "./model/index.js";
export type * from "./ports/index.js";
