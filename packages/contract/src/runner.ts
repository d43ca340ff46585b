/** What the suite needs of a test runner. */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  it(name: string, test: () => Promise<void>, timeoutMs: number): unknown;
  after(work: () => Promise<void>): unknown;
}

interface Globals {
  describe?: Runner['describe'];
  it?: Runner['it'];
  after?: Runner['after'];
  afterAll?: Runner['after'];
}

/** The functions that mocha, Jest and Vitest (with `globals: true`) make global. @throws {Error} when there are none */
export function globalRunner(): Runner {
  const { describe, it, after, afterAll } = globalThis as Globals;
  const last = after ?? afterAll;
  if (!describe || !it || !last)
    throw new Error(
      'There is no global describe, it and after here: run this with mocha, or give a `runner`.',
    );
  return {
    describe,
    it(name, test, timeoutMs) {
      // Jest and Vitest take the third argument, mocha has a method.
      const registered = it(name, test, timeoutMs) as { timeout?(ms: number): unknown } | undefined;
      registered?.timeout?.(timeoutMs);
    },
    after: last,
  };
}
