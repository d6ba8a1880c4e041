import { spawn } from "node:child_process";
import type { AttachCommand } from "@aifleet/core";
import { required } from "../args.js";
import { FleetCommand } from "../base.js";
import { Failure } from "../failure.js";
import { word } from "../render/next.js";
import { clean } from "../render/width.js";
import { session } from "../session.js";

export class Attach extends FleetCommand {
  static override summary = "Show an agent's session on this terminal.";
  static override description =
    "The detach key (tmux.detach_key, Ctrl+Q unless set) leaves it running and comes back. Works inside tmux, too. " +
    "With --json the command that would be run is printed instead.";
  static override usage = "attach BRANCH";
  static override examples = ["fleet attach fix-auth"];
  static override args = { branch: required("Branch or id of the agent.") };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Attach);
    const ui = this.ui(flags);
    if (!ui.json && !(process.stdin.isTTY && process.stdout.isTTY)) {
      throw new Failure("NOT_A_TERMINAL", "attach needs a terminal.", `Use \`fleet logs ${args.branch} --follow\` to read along.`);
    }
    const command = await this.withFleet(flags, ui, ({ fleet, call }) => fleet.attachCommand(args.branch, call));
    if (ui.json) return ui.document({ branch: args.branch, argv: command.argv, kind: command.kind });
    const code = await runOnTerminal(command);
    if (code !== 0 && session.interrupted === null) {
      throw new Failure(
        "DRIVER_FAILED",
        `${command.argv[0]} ended with exit code ${code}.`,
        "`fleet list` shows whether the agent still runs.",
      );
    }
    if (command.kind === "client") ui.note(`Left ${clean(args.branch)}; \`fleet attach ${word(args.branch)}\` comes back.`);
  }
}

/** Gives the terminal to the program and waits; Ctrl+C is the program's meanwhile. */
function runOnTerminal({ argv, env }: AttachCommand): Promise<number> {
  // Nobody who pressed Ctrl+C a moment before wants the terminal to go.
  if (session.signal.aborted) throw new Failure("INTERRUPTED", "Interrupted.");
  const [file, ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: "inherit", env: { ...env } });
    session.handedOver = true;
    const stop = (): void => {
      child.kill("SIGTERM");
    };
    session.signal.addEventListener("abort", stop, { once: true });
    const back = (): void => {
      session.handedOver = false;
      session.signal.removeEventListener("abort", stop);
    };
    child.once("error", (error) => {
      back();
      reject(error);
    });
    child.once("exit", (code) => {
      back();
      resolve(code ?? 1);
    });
  });
}
