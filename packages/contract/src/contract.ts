import { dropSessionObjects } from './cases/session-objects.js';
import type { Case, Harness } from './harness.js';
import { globalRunner, type Runner } from './runner.js';
import { suite } from './suite.js';
import { useDatabase } from './support/database.js';

const PATIENCE_MS = 20_000;
const TIMEOUT_MS = 60_000;

export interface ContractOptions {
  /**
   * The database to run against, `mysql://user:password@host:port/schema`: a MariaDB server, and an account that may do
   * anything there. One for the whole process.
   *
   * @default the variable HANDBACK_TEST_DATABASE_URL
   */
  databaseUrl?: string;
  /** Cases of your own, by behaviour; with the name of one of the suite's behaviours, they are added to it. */
  also?: Readonly<Record<string, readonly Case[]>>;
  /** Only these, by name. @default all */
  behaviours?: readonly string[];
  /** How long a case waits for an answer or a state before it fails. @default 20_000 */
  patienceMs?: number;
  /** Where the tests are registered. @default the global `describe`, `it` and `after` (mocha, Jest, Vitest with globals) */
  runner?: Runner;
}

/** Registers a test for every case that applies to this harness, under `contract: <framework>`. */
export function contract(harness: Harness, options: ContractOptions = {}): void {
  const { databaseUrl, also = {}, patienceMs = PATIENCE_MS, runner = globalRunner() } = options;
  const names = [...new Set([...Object.keys(suite), ...Object.keys(also)])];
  const { behaviours = names } = options;
  const unknown = behaviours.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`There is no behaviour '${unknown}': ${names.join(', ')}.`);
  if (databaseUrl !== undefined) useDatabase(databaseUrl);
  runner.describe(`contract: ${harness.framework}`, () => {
    for (const behaviour of behaviours) {
      const cases = [...(suite[behaviour] ?? []), ...(also[behaviour] ?? [])].filter((each) =>
        applies(each, harness),
      );
      if (cases.length === 0) continue;
      runner.describe(behaviour, () => {
        for (const { name, run, timeoutMs = TIMEOUT_MS } of cases)
          runner.it(name, () => run({ ...harness, patienceMs }), timeoutMs);
      });
    }
    runner.after(dropSessionObjects);
  });
}

/** Whether a case is about this framework too. */
export function applies({ only, needs }: Case, harness: Harness): boolean {
  if (needs !== undefined && !harness[needs]) return false;
  return only === undefined || only.includes(harness.family);
}
