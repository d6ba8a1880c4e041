/** One promise of a port, as a test that any implementation can be put to. */
export interface ContractCase<Subject> {
  /** What a caller gets. */
  readonly name: string;
  /** Rejects if the promise is not kept. */
  run(subject: Subject): Promise<void>;
}

/**
 * The promises of a port, free of any test runner.
 *
 * @example
 * describe(suite.port, () => { for (const c of suite.cases) it(c.name, () => c.run(mySubject())); });
 */
export interface ContractSuite<Subject> {
  readonly port: string;
  readonly cases: readonly ContractCase<Subject>[];
}

/** Polls until `good(probe())` and returns that answer; throws after `ms` with the last one. */
export async function until<T>(probe: () => T | Promise<T>, good: (value: T) => boolean, what: string, ms = 10_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (good(value)) return value;
    if (Date.now() >= end) throw new Error(`Waited ${ms} ms in vain for: ${what}. Last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
