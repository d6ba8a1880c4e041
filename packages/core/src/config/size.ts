const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Bytes of "20MB", "512 KiB" or 1000; null if it is no size. */
export function parseSize(value: unknown): number | null {
  if (typeof value === "number") return Number.isSafeInteger(value) && value > 0 ? value : null;
  if (typeof value !== "string") return null;
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*([A-Za-z]*)$/.exec(value.trim());
  const unit = UNITS[(match?.[2] ?? "?").toLowerCase()];
  if (match === null || unit === undefined) return null;
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

/** A size in the largest unit that shows it exactly. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of [
    ["GB", 1e9],
    ["GiB", 1024 ** 3],
    ["MB", 1e6],
    ["MiB", 1024 ** 2],
    ["KB", 1e3],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}
