export { configReference, firstFileText } from "./first-file.js";
export { detectType, PROJECT_TYPES, type ProjectType, projectConfigText } from "./init.js";
export * from "./paths.js";
export { closeHome } from "./private-home.js";
export { type LoadConfigOptions, loadConfig, projectFileOf, readSettings, settingsOfText } from "./read.js";
export { fileTrust, isTrusted, repositoryMark, type Trust } from "./trust.js";
export * from "./types.js";
export { configValues } from "./values.js";
export { type SetConfigOptions, setConfigValue, writeFirstConfig, writeNewFile } from "./write.js";
