import type { PermissionMode } from "@aifleet/core";
import { string as stringArg } from "@oclif/core/args";
import { boolean as booleanFlag, string as stringFlag } from "@oclif/core/flags";
import { usage } from "./failure.js";

export { booleanFlag, stringFlag };

/** An argument that may be left out. oclif would read a missing one from stdin; here stdin is read where `-` says so. */
export const optional = (description: string, options?: readonly string[]) =>
  stringArg({ description, ignoreStdin: true, ...(options === undefined ? {} : { options: [...options] }) });

/** An argument that must be there. */
export const required = (description: string) => stringArg({ description, required: true, ignoreStdin: true });

/** A permission mode as the SDK has it: the flag lets no other word through. */
export function modeOf(flags: { readonly mode?: string | undefined }): PermissionMode | undefined {
  return flags.mode as PermissionMode | undefined;
}

/** Any number of arguments, none included. */
export const several = (description: string) => stringArg({ description, multiple: true, ignoreStdin: true });

/** Flags that choose agents beside their names. */
export const targetFlags = {
  batch: stringFlag({ description: "The agents of one batch.", helpValue: "ID" }),
  all: booleanFlag({ description: "Every agent of the repository.", default: false }),
};

/** Flags that say how new agents are made. */
export const makeFlags = {
  from: stringFlag({ description: "Branch, tag or commit that new branches start from.", helpValue: "REF" }),
  mode: stringFlag({
    description: "What the agent may do without asking. Default: as its program is set up.",
    options: ["ask", "edit", "yolo"],
    helpValue: "ask|edit|yolo",
  }),
  quick: booleanFlag({ description: "Skip the setup commands.", default: false }),
};

export const promptFlags = {
  prompt: stringFlag({ char: "p", description: "What the agent is to do.", helpValue: "TEXT", exclusive: ["prompt-file"] }),
  "prompt-file": stringFlag({ description: "Read the prompt from a file; `-` is stdin.", helpValue: "FILE" }),
};

export const templateFlag = {
  template: stringFlag({ description: "Template of the configuration to start from.", helpValue: "NAME" }),
};

/** A whole number of a flag, or USAGE. */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw usage(`${flag} takes a whole number from ${min} to ${max}, not "${text}".`);
  return value;
}

/** A number of seconds as milliseconds, or USAGE. */
export function seconds(flag: string, text: string): number {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0 && value <= 31_536_000)) throw usage(`${flag} takes a number of seconds, not "${text}".`);
  return Math.round(value * 1000);
}
