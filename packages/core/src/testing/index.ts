/**
 * For those who test against the fleet or write a driver of their own: in-memory drivers, the
 * scripted agent, and the contract suites that every driver has to pass.
 */
export { type GitSubject, type GitWorkbench, gitDriverContract } from "./contracts/git-driver.js";
export { type HostSubject, hostContract, hostFilesContract } from "./contracts/host.js";
export { type ProcessSubject, processDriverContract, type StartOptions } from "./contracts/process-driver.js";
export { sessionDriverContract } from "./contracts/session-driver.js";
export type { SessionSubject, StockProgram } from "./contracts/session-subject.js";
export { type StoreSubject, sampleRecord, storeContract } from "./contracts/store.js";
export type { ContractCase, ContractSuite } from "./contracts/suite.js";
export { type MemoryAgentOptions, memoryAgent } from "./memory/agent.js";
export { type FakeClock, fakeClock, sequentialIds } from "./memory/clock.js";
export { MemoryDisk } from "./memory/disk.js";
export { type MemoryGit, type MemoryGitOptions, memoryGit } from "./memory/git.js";
export { type MemoryCommand, type MemoryHost, type MemoryHostOptions, memoryHost } from "./memory/host.js";
export { type MemoryProcesses, type MemoryProcessOptions, memoryProcesses } from "./memory/process.js";
export {
  type MemoryProgram,
  type MemorySessionOptions,
  type MemorySessions,
  type MemoryTerminal,
  memorySessions,
} from "./memory/session.js";
export { memoryJournal, memoryLocks, memoryStore } from "./memory/store.js";
export { type MemoryWorld, type MemoryWorldOptions, memoryWorld } from "./memory/world.js";
export { type ScriptedAgentOptions, scriptedAgent } from "./scripted-agent.js";
