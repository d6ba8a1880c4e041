import { demoAdapter } from "../agents/demo/demo.js";
import type { AgentAdapter } from "../ports/index.js";

/** How a {@link scriptedAgent} differs from the embedded `demo` one. */
export interface ScriptedAgentOptions {
  /** Name of the adapter. @default "scripted" */
  readonly name?: string;
  /** The agent program's file. @default the one that comes with the package */
  readonly script?: string;
  /** File that gets one JSON line for each prompt the program took (`at bytes sha256 via cwd text`): what was really delivered. */
  readonly log?: string;
  /** 1 is the usual pace (2 to 4 seconds a turn), 0 no waiting. @default 0 */
  readonly speed?: number;
  /** More environment for the program. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * An agent for tests: a real program at a real terminal, with no model behind it. What it does stands
 * in the prompt, for example `"Fix it [[ask May I?]] [[fail 3]]"`; all directives: `docs/testing.md`.
 *
 * @example
 * const fleet = await Fleet.open({ repo, adapters: [scriptedAgent({ log })] });
 * await fleet.createAgent({ branch: "a", prompt: "Write a note", adapter: "scripted" });
 */
export function scriptedAgent(options: ScriptedAgentOptions = {}): AgentAdapter {
  return demoAdapter({
    name: options.name ?? "scripted",
    title: "Scripted agent",
    ...(options.script === undefined ? {} : { script: options.script }),
    env: {
      ...options.env,
      DEMO_AGENT_SPEED: String(options.speed ?? 0),
      ...(options.log === undefined ? {} : { DEMO_AGENT_LOG: options.log }),
    },
  });
}
