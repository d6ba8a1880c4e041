/**
 * Which agents a call is about: a branch, an id or a glob (`*`, `?`) over branches, several of them,
 * one batch, or all of the repository (of the home, where the fleet was opened without one).
 */
export type Target = string | readonly string[] | { readonly batch: string } | { readonly all: true };
