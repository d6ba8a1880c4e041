import type { Report, ReportReader, Said } from "../ports/index.js";

/**
 * What a hook runs: keeps its standard input as the last report of its kind. Only programs every system
 * has; silent, quick, and always content, also when the fleet, its folder or the agent's worktree is gone.
 */
export function reporter(kind: string): string {
  if (!/^[A-Za-z]+$/.test(kind)) throw new Error(`No kind of report: ${kind}`);
  return (
    `d="$AIFLEET_REPORTS"; [ -d "$d" ] && umask 077 && cat >"$d/.${kind}.$$" 2>/dev/null && ` +
    `mv -f "$d/.${kind}.$$" "$d/${kind}" 2>/dev/null; exit 0`
  );
}

/** A program's hooks as data. */
export interface HookTable {
  /** What each event says the program does; null for one that says nothing of that; a function where its text says it. */
  readonly events: Readonly<Record<string, Said["status"] | null | ((body: NonNullable<Report["body"]>) => Said["status"] | null)>>;
  /** The event that a prompt was taken, and where its text stands. */
  readonly prompt: {
    readonly kind: string;
    readonly field: string;
    /** Takes off what the program puts around a prompt. @default nothing */
    readonly unwrap?: (text: string) => string;
  };
  /** Where the conversation's id stands in every report. */
  readonly conversation: string;
  readonly silent: ReportReader["silent"];
  readonly announces?: ReportReader["announces"];
  readonly reportsFrom?: ReportReader["reportsFrom"];
  readonly diary?: ReportReader["diary"];
  /** What a permission is asked for, from the report that asks. */
  readonly question?: (body: NonNullable<Report["body"]>) => string | null;
}

/** A reader of the reports of such hooks. */
export function hookReader(table: HookTable): ReportReader {
  const told = Object.keys(table.events).filter((kind) => typeof table.events[kind] === "function");
  const statusOf = ({ kind, body }: Report): Said["status"] | null => {
    const says = table.events[kind] ?? null;
    return typeof says !== "function" ? says : body === null ? null : says(body);
  };
  return {
    bodies: [table.prompt.kind, ...told],
    silent: table.silent,
    ...(table.diary === undefined ? {} : { diary: table.diary }),
    ...(table.announces === undefined ? {} : { announces: table.announces }),
    ...(table.reportsFrom === undefined ? {} : { reportsFrom: table.reportsFrom }),
    said(reports) {
      const last = reports.find((report) => statusOf(report) !== null);
      const status = last === undefined ? null : statusOf(last);
      if (last === undefined || status === null) return null;
      const question = status === "waiting" && last.body !== null ? (table.question?.(last.body) ?? null) : null;
      return { status, at: last.at, ...(question === null ? {} : { question }) };
    },
    conversation(reports) {
      const found = reports.find(({ body }) => typeof body?.[table.conversation] === "string");
      return found === undefined ? null : String(found.body?.[table.conversation]);
    },
    taken(reports) {
      const found = reports.find(({ kind }) => kind === table.prompt.kind);
      const text = found?.body?.[table.prompt.field];
      return found === undefined || typeof text !== "string" ? null : { text: (table.prompt.unwrap?.(text) ?? text).trim(), at: found.at };
    },
  };
}

/** `Bash: npm test`, from a report that names a tool and what it is to do. */
export function toolQuestion(body: NonNullable<Report["body"]>): string | null {
  const { tool_name: tool, tool_input: input } = body;
  if (typeof tool !== "string") return null;
  const fields = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const what = [fields.command, fields.file_path, fields.path, fields.url, fields.question].find((value) => typeof value === "string");
  return what === undefined ? `${tool}?` : `${tool}: ${String(what).split("\n")[0]}`;
}
