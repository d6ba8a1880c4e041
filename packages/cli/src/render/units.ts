/** A length of time in its largest unit: `5s`, `12m`, `3h`, `4d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Time since an ISO 8601 moment, `-` if it is none. */
export function since(moment: string, now: number): string {
  const at = Date.parse(moment);
  return Number.isNaN(at) ? "-" : duration(now - at);
}

/** A size as people read it: `640K`, `1.2G`. */
export function bytes(count: number | null): string {
  if (count === null) return "-";
  let value = count;
  for (const unit of ["B", "K", "M", "G"]) {
    if (value < 1000 || unit === "G") return `${value < 10 && unit !== "B" ? value.toFixed(1) : Math.round(value)}${unit}`;
    value /= 1024;
  }
  return "-";
}

export function percent(value: number | null): string {
  return value === null ? "-" : `${value < 10 && value > 0 ? value.toFixed(1) : Math.round(value)}%`;
}

/** `1 agent`, `3 agents`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
