import type { Screen, Session } from "../model/index.js";
import type { Call, Evidence } from "../ports/index.js";
import type { Deps } from "./deps.js";

/** Sequences that say how text looks, links included, and changes of the character set. */
const STYLE = /\u001b\[[\d;:]*m|\u001b\]8;[^\u0007\u001b]*(?:\u0007|\u001b\\)|[\u000e\u000f]/g;

/** One agent's screen now, as text and with how it looks: in one call. */
export async function evidenceNow(deps: Deps, session: Session, call?: Call): Promise<Evidence> {
  const styled = (await deps.sessions.screens([session.id], { styled: true }, call)).get(session.id) ?? null;
  return { session, screen: styled === null ? null : unstyled(styled), styled, now: deps.clock.now() };
}

/** A screen without what says how it looks. */
export function unstyled({ lines }: Screen): Screen {
  const plain = lines.map((line) => line.replace(STYLE, "").trimEnd());
  const last = plain.findLastIndex((line) => line !== "");
  return { lines: plain.slice(0, last + 1) };
}
