import type { Color, Paint } from "./color.js";
import { clean, cut, pad, widthOf } from "./width.js";

export interface Cell {
  readonly text: string;
  readonly color?: Color | undefined;
}

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Columns the cell may be cut down to when the terminal is too narrow. Left out: never cut. */
  readonly shrinksTo?: number;
  /** Left out where the terminal is too narrow still, the lowest number first. Without one: never. */
  readonly dropped?: number;
}

export interface TableStyle {
  /** Null: not a terminal. Then as `gh` does it: one line a row, tabs, no header, nothing cut. */
  readonly width: number | null;
  readonly paint: Paint;
}

const GAP = 2;

/** Rows as lines that fit the terminal. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], style: TableStyle): string[] {
  const texts = rows.map((row) => row.map((cell) => clean(cell.text)));
  if (style.width === null) return texts.map((row) => row.join("\t"));
  const widths = fit(columns, texts, style.width);
  const drop = widthOfRow(widths) > style.width ? firstDropped(columns) : -1;
  if (drop !== -1) {
    const without = <T>(cells: readonly T[]): T[] => cells.filter((_, index) => index !== drop);
    return table(without(columns), rows.map(without), style);
  }
  const line = (cells: readonly string[], color: (index: number) => Color | undefined): string =>
    cells
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const shown = cut(text, width);
        const last = index === cells.length - 1;
        const align = columns[index]?.align ?? "left";
        const filled = last && align === "left" ? shown : pad(shown, width, align === "right" ? "right" : "left");
        const paint = color(index);
        return paint === undefined ? filled : style.paint(paint, filled);
      })
      .join(" ".repeat(GAP));
  const head = line(
    columns.map((column) => column.title),
    () => "dim",
  );
  return [head, ...texts.map((row, at) => line(row, (index) => rows[at]?.[index]?.color))];
}

/** Widths that show everything if it fits; else the widest shrinkable column gives way first. */
function fit(columns: readonly Column[], rows: readonly (readonly string[])[], available: number): number[] {
  const widths = columns.map((column, index) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[index] ?? ""))));
  for (let over = widthOfRow(widths) - available; over > 0; over = widthOfRow(widths) - available) {
    let widest = -1;
    for (const [index, { shrinksTo }] of columns.entries()) {
      const width = widths[index] ?? 0;
      if (shrinksTo !== undefined && width > shrinksTo && width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function widthOfRow(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
}

/** The column that goes first where not all fit, -1 if none may. */
function firstDropped(columns: readonly Column[]): number {
  const order = columns.flatMap(({ dropped }, index) => (dropped === undefined ? [] : [[dropped, index] as const]));
  return order.sort(([a], [b]) => a - b)[0]?.[1] ?? -1;
}
