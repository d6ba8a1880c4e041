export { type ScriptedAgentOptions, scriptedAgent } from "./scripted-agent.js";
