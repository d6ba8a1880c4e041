import { token } from "./token.js";

/**
 * Stands in the environment of the commands this process runs (git, rm, cp), not in that of agents: when
 * this process is killed they go on, and whoever cleans up after it finds them by this mark.
 */
export const RUN_MARK = { name: "AIFLEET_RUN", value: `${process.pid}-${token()}` } as const;
