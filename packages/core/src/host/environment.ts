/** A caller's environment as plain text, without what is undefined. */
export function plainEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) plain[name] = value;
  return plain;
}

/**
 * What a child gets where no environment is named: the host's, less `GIT_*` and `TMUX*`. Those two
 * families, inherited from a hook or from a pane, send git and tmux to another repository or server.
 */
export function childEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_") && !name.startsWith("TMUX")));
}
