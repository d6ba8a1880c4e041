import type { Choice, StatusReading } from "../../model/index.js";
import type { AgentAdapter, Launch, LaunchContext } from "../../ports/index.js";

/** What {@link memoryAgent} is made of. */
export interface MemoryAgentOptions {
  /** Name of the adapter. */
  readonly name: string;
  /** Name of the program among those of the sessions in memory. @default the adapter's name */
  readonly program?: string;
  /** How the first prompt gets there: as the last argument, or typed once the program waits for a line. @default "argv" */
  readonly promptVia?: "argv" | "paste";
}

/**
 * An adapter for a program in memory. Its status is what its terminal shows by itself: `idle` while it
 * waits for a line, `waiting` while it asks, else `working`. Resumed, it gets `--resume` and its conversation's
 * id as its last two arguments, which is the id of the agent.
 */
export function memoryAgent({ name, program = name, promptVia = "argv" }: MemoryAgentOptions): AgentAdapter {
  const argvOf = (context: LaunchContext, ...more: string[]): Launch["argv"] => [
    ...(context.command ?? [program]),
    ...context.flags,
    ...more,
  ];
  return {
    name,
    title: name,
    program,
    launch(context) {
      const { id: conversation, prompt } = context;
      if (prompt === null) return { argv: argvOf(context), promptVia: "none", conversation };
      if (promptVia === "paste") return { argv: argvOf(context), promptVia, conversation };
      return { argv: argvOf(context, prompt), promptVia, conversation };
    },
    resume: (context) =>
      context.conversation === null ? null : { argv: argvOf(context, "--resume", context.conversation), promptVia: "none" },
    read: ({ session }) => readTitle(session.title),
    ready(evidence) {
      const reading = readTitle(evidence.session.title);
      return reading === null ? null : reading.status === "idle";
    },
  };
}

const CHOICES: readonly Choice[] = [
  { label: "Yes", keys: ["y", "Enter"] },
  { label: "No", keys: ["n", "Enter"] },
];

function readTitle(title: string): StatusReading | null {
  if (title === "idle" || title === "working") return { status: title, source: "screen" };
  return title.startsWith("waiting: ") ? { status: "waiting", source: "screen", question: title.slice(9), choices: CHOICES } : null;
}
