import { inertShellWord } from "./quote.js";

const BLOCK = 4096;

/**
 * The command that `pipe-pane` feeds a pane's output to: appends to the log and keeps it within its
 * limit by moving a full half aside to `LOG.1`. tmux expands `#` and `%` in it, so it holds neither.
 *
 * `dd` writes every read at once, so the log is up to date, and counts reads: a size check stands
 * between its runs. A run that ends before its count has seen the end of the output. Where the log cannot be written (a
 * full disk) output is thrown away instead of filling the server's memory, and writing tried again.
 */
export function logCommand(logFile: string, maxBytes: number | null): string {
  const log = inertShellWord(logFile);
  if (maxBytes === null || !Number.isFinite(maxBytes)) return `umask 077; exec cat >> ${log}`;
  const half = Math.max(BLOCK, Math.floor(maxBytes / 2));
  // A run goes over the half by at most this many blocks of the rest: they are taken off beforehand.
  const slack = Math.max(1, Math.min(64, Math.floor(half / BLOCK / 8)));
  const goal = Math.max(1, half - slack * BLOCK);
  const size = 's=0; if [ -s "$f" ]; then s=$(( $(wc -c < "$f") )); fi';
  const rotate = `if [ "$s" -ge ${goal} ]; then mv -f -- "$f" "$f.1"; s=0; fi`;
  const reads = `n=$(( (${goal} - s) / ${BLOCK} )); if [ "$n" -lt ${slack} ]; then n=${slack}; fi`;
  // A plain command, which the subshell becomes: two processes for each agent, not three.
  const copy = `o=$(dd bs=${BLOCK} count="$n" 2>&1 >> "$f")`;
  const discard = `{ n=64; o=$(dd bs=${BLOCK} count=64 2>&1 >/dev/null); }`;
  // `3+18 records in` stands behind what warnings dd may print; the x's stand for no such words at all.
  const count = 'set -- $o x x records; while [ "$3" != records ]; do shift; done';
  const ended = 'if [ "$1" = x ]; then exec cat >/dev/null; fi; if [ $(( $1 + $2 )) -lt "$n" ]; then exit; fi';
  const loop = `${size}; ${rotate}; ${reads}; ${copy} || ${discard}; ${count}; ${ended}`;
  return `umask 077; set -f; LC_ALL=C; export LC_ALL; IFS="+$IFS"; f=${log}; while :; do ${loop}; done`;
}
