export type { GitCommand } from "./client.js";
export { type SimpleGitDriverOptions, simpleGitDriver } from "./simple-git.js";
