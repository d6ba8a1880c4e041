import type { Deps } from "./deps.js";

/** Variables whose value is nobody's to read, by their name. */
const TELLING = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|COOKIE|_PASS|_PWD|_AUTH|_DSN)(?:_|$)/i;
/** Shorter values hide nothing and stand in every other sentence. */
const SHORTEST = 6;

/**
 * What a program printed, fit for an error message: without the values of `agents.<name>.env` and of
 * variables named like secrets. The kept log has it as it was printed.
 */
export function withoutSecrets(deps: Pick<Deps, "env" | "settings">, text: string): string {
  const configured = Object.values(deps.settings.config.agents).flatMap(({ env }) => Object.values(env));
  const inherited = Object.entries(deps.env).flatMap(([name, value]) => (value !== undefined && TELLING.test(name) ? [value] : []));
  // The longest first: one may be part of another.
  const values = [...new Set([...configured, ...inherited])]
    .filter((value) => value.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
  return values.reduce((rest, value) => rest.replaceAll(value, "…"), text);
}
