import type { Fleet, ListedAgent } from "@aifleet/core";
import { loadCore } from "../core.js";
import { output } from "../render/output.js";
import { clean } from "../render/width.js";
import { candidates, type Names } from "./candidates.js";

/** Longest a shell is kept waiting for names. */
const PATIENCE_MS = 2000;

/** What the completion scripts ask: `fleet __complete -- WORDS…`, the last of which is being typed. Never fails aloud. */
export async function answer(argv: readonly string[]): Promise<void> {
  const words = argv.slice(argv.indexOf("--") + 1);
  const found = await candidates(words, namesOf(repoOf(words)));
  for (const { word, about } of found) output.write(`${clean(word)}\t${clean(about)}\n`);
}

function repoOf(words: readonly string[]): string {
  const at = words.indexOf("--repo");
  const inline = words.find((word) => word.startsWith("--repo="));
  return (at === -1 ? inline?.slice("--repo=".length) : words[at + 1]) ?? process.cwd();
}

function namesOf(repo: string): Names {
  const ask = async <T>(question: (fleet: Fleet, call: { signal: AbortSignal }) => Promise<T[]>): Promise<T[]> => {
    try {
      const { Fleet } = await loadCore();
      const fleet = await Fleet.open({ repo, ignoreProjectConfig: true });
      return await question(fleet, { signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch {
      // No repository, no tmux, broken settings: a shell that completes is no place to say so.
      return [];
    }
  };
  const list = (): Promise<ListedAgent[]> => ask((fleet, call) => fleet.list({}, call));
  return {
    branches: async () => (await list()).map(({ branch, status, adapter }) => ({ word: branch, about: `${status} (${adapter})` })),
    batches: async () => [...new Set((await list()).flatMap(({ batch }) => batch ?? []))].map((word) => ({ word, about: "" })),
    saved: async () =>
      (await ask(async (fleet) => [...(await fleet.trash())])).map(({ record, savedAt }) => ({ word: record.branch, about: savedAt })),
    adapters: async () => {
      const configured = await ask(async (fleet) => Object.keys(fleet.config().config.agents));
      return [...new Set(["claude", "codex", "opencode", "gemini", "aider", "demo", ...configured])].map((word) => ({ word, about: "" }));
    },
    settings: async () => (await ask(async (fleet) => [...fleet.configValues()])).map(({ key }) => ({ word: key, about: "" })),
  };
}
