import type { StatusReading } from "../../model/index.js";
import type { AgentAdapter, Evidence, Launch, LaunchContext } from "../../ports/index.js";
import { numbered } from "../dialog.js";
import { fitsArgument, promptOf, withArgument, withPaste } from "../launch.js";
import { IDLE, visibleLines, WORKING, waiting } from "../screen.js";
import { demoAgentPath } from "./locate.js";

/** Differences from the plain scripted agent. */
export interface DemoOptions {
  /** @default "demo" */
  readonly name?: string;
  /** @default "Scripted demo agent" */
  readonly title?: string;
  /** The program's file. @default the one in this package, looked for at launch */
  readonly script?: string;
  /** Environment in which a path in `AIFLEET_DEMO_AGENT` is looked up. @default `process.env` */
  readonly lookup?: Readonly<Record<string, string | undefined>>;
  /** Environment added to each launch. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The embedded scripted agent: `program.ts` says what it does and which directives it takes. */
export function demoAdapter(options: DemoOptions = {}): AgentAdapter {
  const start = (context: LaunchContext, mode: readonly string[]): Launch => {
    const own = context.command ?? ([process.execPath, options.script ?? demoAgentPath(options.lookup)] as const);
    const argv: readonly [string, ...string[]] = [...own, ...context.flags, ...mode];
    const prompt = promptOf(context);
    const launch = prompt !== null && fitsArgument(prompt) ? withArgument(argv, "--", prompt) : withPaste(argv, prompt);
    return options.env === undefined ? launch : { ...launch, env: options.env };
  };
  return {
    name: options.name ?? "demo",
    title: options.title ?? "Scripted demo agent",
    program: process.execPath,
    launch: (context) => start(context, []),
    resume: (context) => start(context, ["--resume"]),
    read: look,
    ready(evidence) {
      const reading = look(evidence);
      return reading === null ? null : reading.status !== "waiting";
    },
  };
}

const INPUT = /^›(\s|$)/;
/** Cut at its start on a narrow screen. */
const SPINNER = /^✻ .*esc to interrupt\)/;
const CHOICE = /^ ❯ [12]\. (Yes|No)$/;

/** The last rows are the program's own: its input, with the spinner or nothing right above, or its dialog. */
function look({ screen }: Evidence): StatusReading | null {
  if (screen === null) return null;
  const lines = visibleLines(screen);
  if (INPUT.test(lines.at(-1) ?? "")) return SPINNER.test(lines.at(-2) ?? "") ? WORKING : lines.at(-2) === "" ? IDLE : null;
  const row = lines.findIndex((line, at) => at >= lines.length - 3 && CHOICE.test(line));
  if (row === -1 || !/^ enter to choose|^ e…/.test(lines.at(-1) ?? "")) return null;
  return waiting(lines.at(-4)?.trim() || null, numbered(lines.slice(0, -1), row));
}
