/** One process of a scan, as either driver sees it. */
export interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Session's id, 0 where the system does not tell. */
  readonly session: number;
  /** Group in the foreground of the process's terminal, -1 if it has none. */
  readonly foreground: number;
  /** Short name. */
  readonly name: string;
  readonly zombie: boolean;
  readonly start: string;
}

/** A scan by pid. */
export type Table<R extends Row = Row> = ReadonlyMap<number, R>;

/** Children by parent. */
export function childrenOf<R extends Row>(table: Table<R>): ReadonlyMap<number, readonly R[]> {
  const children = new Map<number, R[]>();
  for (const row of table.values()) {
    const siblings = children.get(row.parent);
    if (siblings === undefined) children.set(row.parent, [row]);
    else siblings.push(row);
  }
  return children;
}

/** A tmux server, or one of screen, which is nobody's to count or to end, wherever it was started. */
export function isTmuxServer(row: Pick<Row, "pid" | "name" | "parent" | "session" | "foreground">): boolean {
  if (row.name === "screen") return row.session === row.pid && row.foreground === -1;
  return row.name === "tmux: server" || (row.name === "tmux" && row.parent === 1);
}

/** The root and all below it, parents first, less tmux servers, `spared` pids and what is below these. */
export function treeOf<R extends Row>(
  root: number,
  table: Table<R>,
  children: ReadonlyMap<number, readonly R[]>,
  spared: ReadonlySet<number> = new Set(),
): R[] {
  const first = table.get(root);
  if (first === undefined || spared.has(root)) return [];
  const tree = [first];
  const seen = new Set([root, ...spared]);
  for (const row of tree) {
    for (const child of children.get(row.pid) ?? []) {
      if (seen.has(child.pid) || isTmuxServer(child)) continue;
      seen.add(child.pid);
      tree.push(child);
    }
  }
  return tree;
}

/** A process and those it descends from, nearest first. */
export function lineOf(pid: number, table: Table): Row[] {
  const line = new Map<number, Row>();
  for (let row = table.get(pid); row !== undefined && !line.has(row.pid); row = table.get(row.parent)) line.set(row.pid, row);
  return [...line.values()];
}
