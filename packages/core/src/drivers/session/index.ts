export { type TmuxOptions, type TmuxSettings, tmuxDriver } from "./tmux.js";
