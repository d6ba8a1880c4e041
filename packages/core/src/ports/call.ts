/** The last argument of everything that may take time. */
export interface Call {
  /** Abort it: the call rejects with `INTERRUPTED`, `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
