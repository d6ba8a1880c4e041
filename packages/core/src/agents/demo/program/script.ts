/** One thing a prompt tells the agent to do during its turn. */
export type Action =
  | { readonly do: "say"; readonly text: string }
  | { readonly do: "work"; readonly ms: number }
  | { readonly do: "ask"; readonly question: string }
  | { readonly do: "spawn" };

/** A prompt, read as a script. */
export interface Script {
  readonly actions: readonly Action[];
  /** The prompt without its directives. */
  readonly text: string;
  readonly commit: boolean;
  readonly dirty: boolean;
  /** Exit code after the turn, null to go on. */
  readonly exit: number | null;
  readonly slowStartMs: number;
}

const DIRECTIVE = /\[\[(say|work|ask|spawn|no-commit|dirty|exit|fail|slow-start)(?: ([^\n]{0,500}?))?\]\]/g;
const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

/** Finds the directives in a prompt. What only looks like one is text. */
export function readScript(prompt: string): Script {
  const actions: Action[] = [];
  let [commit, dirty, exit, slowStartMs] = [true, false, null as number | null, 0];
  const text = prompt.replace(DIRECTIVE, (whole, word: string, value = "") => {
    const ms = milliseconds(value);
    if (word === "say" && value !== "") actions.push({ do: "say", text: value });
    else if (word === "work" && ms !== null) actions.push({ do: "work", ms });
    else if (word === "ask" && value !== "") actions.push({ do: "ask", question: value });
    else if (word === "spawn") actions.push({ do: "spawn" });
    else if (word === "no-commit") commit = false;
    else if (word === "dirty") dirty = true;
    else if (word === "exit") exit = 0;
    else if (word === "fail" && /^\d{0,3}$/.test(value)) exit = Math.min(Math.max(Number(value || 1), 1), 255);
    else if (word === "slow-start" && ms !== null) slowStartMs = ms;
    else return whole;
    return "";
  });
  return { actions, text, commit, dirty, exit, slowStartMs };
}

function milliseconds(value: string): number | null {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value);
  return found === null ? null : Number(found[1]) * UNITS[found[2] as keyof typeof UNITS];
}
