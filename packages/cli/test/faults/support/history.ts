/** What a command printed with --json, as far as the history needs it. */
export interface Told {
  readonly error?: { readonly code: string; readonly message: string };
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  readonly agent?: Known;
  readonly agents?: readonly Known[];
  readonly killed?: readonly { readonly id: string; readonly branch: string }[];
}

interface Known {
  readonly id: string;
  readonly branch: string;
  readonly worktree: string;
  readonly status: string;
}

/** One command that came to its end, or was brought to it. */
export interface Done {
  readonly args: readonly string[];
  readonly began: number;
  readonly ended: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly told: Told | null;
  readonly stderr: string;
}

/** The errors each command may end with where others work on the same agents. */
const FAIR: Readonly<Record<string, readonly string[]>> = {
  create: [],
  shared: ["AGENT_EXISTS", "BRANCH_EXISTS", "BRANCH_IN_USE"],
  fanout: [],
  kill: ["AGENT_NOT_FOUND", "LOCKED", "WORKTREE_DIRTY"],
  prompt: ["AGENT_NOT_FOUND", "PROMPT_REFUSED"],
  stop: ["AGENT_NOT_FOUND", "LOCKED"],
  resume: ["AGENT_NOT_FOUND"],
  restore: ["AGENT_NOT_FOUND", "AGENT_EXISTS", "BRANCH_IN_USE"],
  list: [],
};

/** The same choices each time. */
export function dice(seed: number): (sides: number) => number {
  let state = seed + 1;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
}

/** Every command of a churn with when it ran and what it said: enough to tell what can be and what cannot. */
export class History {
  /** Branches that had an agent at some time. */
  readonly names: string[] = [];
  readonly #all: Done[] = [];

  add(done: Done): void {
    this.#all.push(done);
    for (const { branch } of this.#made(done)) if (!this.names.includes(branch)) this.names.push(branch);
  }

  get count(): number {
    return this.#all.length;
  }

  get delivered(): number {
    return this.#all.filter(({ args, code }) => args[0] === "prompt" && code === 0).length;
  }

  wasRemoved(branch: string): boolean {
    return this.#all.some((done) => this.#mayEnd(done, branch) && done.args[0] === "kill");
  }

  /** Prompts that were delivered and that no agent's log has, though nobody ended the agent meanwhile. */
  missing(taken: readonly { text: string }[]): string[] {
    const texts = new Set(taken.map(({ text }) => text));
    return this.#all.flatMap((done) => {
      if (done.code !== 0) return [];
      const { args } = done;
      if (args[0] === "prompt" && !texts.has(args[2] as string) && !this.#endedMeanwhile(done, args[1] as string))
        return [`"${args[2]}" was delivered to ${args[1]} and never taken`];
      if (args[0] !== "create" && args[0] !== "fanout") return [];
      return this.#made(done).some(({ branch }) => !this.#endedMeanwhile(done, branch)) && !texts.has(args.at(-1) as string)
        ? [`"${args.at(-1)}" was the first prompt of ${args[1]} and never taken`]
        : [];
    });
  }

  /** All that cannot be. */
  wrong(taken: readonly { text: string; cwd: string }[]): string[] {
    return [...this.#unfair(), ...this.missing(taken), ...this.#promptsWrong(taken), ...this.#listsWrong()];
  }

  summary(): string {
    const counts = new Map<string, number>();
    for (const { args, code, signal, told } of this.#all) {
      const what = signal !== null ? "killed" : code === 0 ? "ok" : (told?.error?.code ?? String(code));
      counts.set(`${args[0]} ${what}`, (counts.get(`${args[0]} ${what}`) ?? 0) + 1);
    }
    return [...counts]
      .sort()
      .map(([name, times]) => `${times} ${name}`)
      .join(", ");
  }

  #made({ args, code, told }: Done): readonly Known[] {
    if (told === null || code === null) return [];
    if (args[0] === "create" || args[0] === "restore") return told.agent === undefined ? [] : [told.agent];
    return args[0] === "fanout" ? (told.agents ?? []) : [];
  }

  #unfair(): string[] {
    return this.#all.flatMap((done) => {
      const { args, code, signal, told, stderr } = done;
      const [name = "", target = ""] = args;
      const strange = (told?.warnings ?? []).filter(({ code }) => code === "WORKTREE_GONE" || code === "SESSIONS_UNKNOWN");
      const odd = strange.map(({ message }) => `${args.join(" ")}: ${message}`);
      if (code === 0 || signal !== null) return odd;
      const error = told?.error?.code ?? "";
      if (FAIR[target.startsWith("shared") && name === "create" ? "shared" : name]?.includes(error)) return odd;
      // Only where somebody ended the agent at the same time can it not be seen what became of it.
      if ((error === "PROMPT_UNVERIFIED" || error === "AGENT_DIED") && this.#endedMeanwhile(done, target)) return odd;
      return [...odd, `${args.join(" ")}: exit ${code} ${JSON.stringify(told)} ${stderr}`];
    });
  }

  #promptsWrong(taken: readonly { text: string; cwd: string }[]): string[] {
    const counts = new Map<string, number>();
    for (const { text } of taken) counts.set(text, (counts.get(text) ?? 0) + 1);
    const most = new Map<string, number>();
    const wrong: string[] = [];
    for (const { args, code, signal, told } of this.#all) {
      const [name] = args;
      if (name === "create" || name === "fanout") most.set(args.at(-1) as string, name === "fanout" ? 2 : 1);
      if (name !== "prompt") continue;
      const text = args[2] as string;
      most.set(text, 1);
      if (code !== 0 && signal === null && told?.error?.code !== "PROMPT_UNVERIFIED" && counts.has(text))
        wrong.push(`"${text}" was refused and yet taken`);
    }
    for (const [text, count] of counts) {
      const allowed = most.get(text);
      if (allowed === undefined) wrong.push(`somebody took "${text}", which nobody sent`);
      else if (count > allowed) wrong.push(`"${text}" was taken ${count} times`);
    }
    return wrong;
  }

  /** Every list is the fleet as it may have been while it ran. */
  #listsWrong(): string[] {
    const wrong: string[] = [];
    for (const list of this.#all) {
      if (list.args[0] !== "list" || list.code !== 0) continue;
      const shown = list.told?.agents ?? [];
      const branches = new Set(shown.map(({ branch }) => branch));
      if (branches.size < shown.length) wrong.push(`a list shows a branch twice: ${shown.map(({ branch }) => branch).join(" ")}`);
      const ids = new Set(shown.map(({ id }) => id));
      for (const { told, ended } of this.#all) {
        for (const { id, branch } of told?.killed ?? [])
          if (ended < list.began && ids.has(id) && !this.#broughtBack(branch, id, list))
            wrong.push(`a list shows ${branch} (${id}), which was killed before`);
      }
      for (const done of this.#all) {
        if (done.ended >= list.began) continue;
        for (const { id, branch } of this.#made(done))
          if (!ids.has(id) && !this.#removedBy(branch, done, list))
            wrong.push(`a list does not show ${branch} (${id}), which was up before and after`);
      }
    }
    return [...new Set(wrong)];
  }

  /** Whether a restore that was not over when the agent was killed may have brought it back. */
  #broughtBack(branch: string, id: string, list: Done): boolean {
    return this.#all.some(({ args, began }) => args[0] === "restore" && (args[1] === branch || args[1] === id) && began < list.ended);
  }

  /** Whether a kill may have come between the making of an agent and the end of a list. */
  #removedBy(branch: string, made: Done, list: Done): boolean {
    return this.#all.some(
      (done) => done.args[0] === "kill" && done.args[1] === branch && done.began < list.ended && this.#over(done) > made.began,
    );
  }

  /** Whether a command may end an agent's program. */
  #mayEnd({ args }: Done, branch: string): boolean {
    return (args[0] === "kill" || args[0] === "stop") && args[1] === branch;
  }

  #endedMeanwhile(done: Done, branch: string): boolean {
    return this.#all.some((other) => this.#mayEnd(other, branch) && other.began < done.ended && this.#over(other) > done.began);
  }

  /** When a command was over: one that was cut off goes on until somebody settles it. */
  #over({ signal, ended }: Done): number {
    return signal === null ? ended : Number.POSITIVE_INFINITY;
  }
}
