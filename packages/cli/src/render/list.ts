import type { ListedAgent } from "@aifleet/core";
import type { Color, Paint } from "./color.js";
import { STATUS_LOOKS } from "./status.js";
import { type Cell, type Column, table } from "./table.js";
import { bytes, count, percent, since } from "./units.js";
import { clean, cut } from "./width.js";

export interface ListLook {
  /** Null: not a terminal. */
  readonly width: number | null;
  readonly paint: Paint;
  readonly now: number;
  readonly grouped?: boolean;
  readonly changes?: boolean;
  /** Show where each status was learnt from. */
  readonly verbose?: boolean;
  /** Agents of several repositories: show which. */
  readonly repos?: boolean;
}

/** The fleet as lines: one table, or one under the name of each batch. */
export function renderList(agents: readonly ListedAgent[], look: ListLook): string[] {
  if (look.grouped !== true || look.width === null)
    return tableOf(look.grouped === true ? byBatch(agents).flatMap(([, of]) => of) : agents, look);
  const lines: string[] = [];
  for (const [batch, members] of byBatch(agents)) {
    if (lines.length > 0) lines.push("");
    lines.push(look.paint("bold", batch === null ? "no batch" : `batch ${batch}`) + look.paint("dim", `  ${summary(members)}`));
    lines.push(...tableOf(members, look));
  }
  return lines;
}

/** `3 agents: 1 waiting, 2 working` */
export function summary(agents: readonly ListedAgent[]): string {
  const statuses = Object.keys(STATUS_LOOKS)
    .map((status) => [status, agents.filter((agent) => agent.status === status).length] as const)
    .filter(([, number]) => number > 0);
  return `${count(agents.length, "agent")}: ${statuses.map(([status, number]) => `${number} ${status}`).join(", ")}`;
}

function byBatch(agents: readonly ListedAgent[]): [string | null, ListedAgent[]][] {
  const batches = new Map<string | null, ListedAgent[]>();
  for (const agent of agents) {
    const members = batches.get(agent.batch);
    if (members === undefined) batches.set(agent.batch, [agent]);
    else members.push(agent);
  }
  return [...batches].sort(([a], [b]) => Number(a === null) - Number(b === null));
}

interface Field extends Column {
  readonly cell: (agent: ListedAgent, look: ListLook) => Cell;
}

const FIELDS: Readonly<Record<string, Field>> = {
  repo: { title: "REPOSITORY", shrinksTo: 8, dropped: 5, cell: ({ repo }) => ({ text: repo.split("/").at(-1) ?? repo, color: "dim" }) },
  branch: { title: "BRANCH", shrinksTo: 12, cell: ({ branch }) => ({ text: branch, color: "bold" }) },
  agent: { title: "AGENT", shrinksTo: 6, dropped: 6, cell: ({ adapter }) => ({ text: adapter }) },
  status: {
    title: "STATUS",
    cell: (agent, look) => {
      const { symbol, color } = STATUS_LOOKS[agent.status] ?? STATUS_LOOKS.unknown;
      const exit = agent.status === "failed" && agent.exitCode !== null ? ` (${agent.exitCode})` : "";
      const source = look.verbose === true ? ` [${agent.statusSource}]` : "";
      return { text: `${look.width === null ? "" : `${symbol} `}${agent.status}${exit}${source}`, color };
    },
  },
  since: { title: "SINCE", align: "right", dropped: 7, cell: (agent, { now }) => ({ text: since(agent.statusSince, now) }) },
  cpu: { title: "CPU", align: "right", dropped: 3, cell: ({ cpu }) => ({ text: percent(cpu) }) },
  memory: { title: "MEM", align: "right", dropped: 4, cell: ({ memory }) => ({ text: bytes(memory) }) },
  age: { title: "AGE", align: "right", dropped: 2, cell: (agent, { now }) => ({ text: since(agent.createdAt, now) }) },
  changes: {
    title: "CHANGES",
    align: "right",
    cell: ({ changes }) => ({ text: changes === undefined ? "-" : `+${changes.added} -${changes.removed}` }),
  },
  ahead: {
    title: "AHEAD",
    align: "right",
    cell: ({ ahead, behind }) => ({ text: ahead === null ? "-" : behind ? `${ahead} (${behind} behind)` : String(ahead) }),
  },
  dirty: {
    title: "DIRTY",
    cell: ({ dirty }) => ({ text: dirty === null ? "-" : dirty ? "yes" : "no", color: dirty ? "yellow" : undefined }),
  },
  batch: { title: "BATCH", shrinksTo: 5, dropped: 1, cell: ({ batch }) => ({ text: batch ?? "-", color: "dim" }) },
};

function tableOf(agents: readonly ListedAgent[], look: ListLook): string[] {
  const names = [
    ...(look.repos === true ? ["repo"] : []),
    ...["branch", "agent", "status", "since", "cpu", "memory", "age"],
    ...(look.changes === true ? ["changes", "ahead", "dirty"] : []),
    ...(look.grouped === true && look.width !== null ? [] : ["batch"]),
  ];
  const fields = names.flatMap((name) => FIELDS[name] ?? []);
  const lines = table(
    fields,
    agents.map((agent) => fields.map((field) => field.cell(agent, look))),
    look,
  );
  const { width } = look;
  if (width === null) return lines;
  const [head = "", ...rows] = lines;
  const told = new Set<string>();
  return [head, ...rows.flatMap((row, at) => [row, ...wordOf(agents[at], width, look.paint, told)])];
}

/** Under its row: what a waiting agent asks, why another is queued or could not be started. What holds of many in the queue is `told` once. */
function wordOf(agent: ListedAgent | undefined, width: number, paint: Paint, told: Set<string>): string[] {
  const line = (color: Color, text: string) => [paint(color, cut(`  └ ${clean(text)}`, width))];
  if (agent?.status === "waiting" && agent.question !== undefined) return line("yellow", agent.question);
  if (agent?.reason === undefined || agent.reason === "") return [];
  if (agent.status === "failed") return line("red", agent.reason);
  const why = agent.reason.replace(/; \d+ before it$/, "");
  if (told.has(why)) return [];
  told.add(why);
  return line("dim", agent.reason);
}
