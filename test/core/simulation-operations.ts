import fc from 'fast-check';
import type { PoolOptions } from '#core/options.js';

export type Setup = Required<
  Pick<
    PoolOptions,
    | 'max'
    | 'minIdle'
    | 'maxIdle'
    | 'maxOpening'
    | 'maxPending'
    | 'reuse'
    | 'acquireTimeoutMs'
    | 'drainTimeoutMs'
    | 'idleTimeoutMs'
    | 'maxLifetimeMs'
  >
>;

export const INITIAL: Setup = {
  max: 1,
  minIdle: 0,
  maxIdle: 1,
  maxOpening: 1,
  maxPending: 100,
  reuse: 'lifo',
  acquireTimeoutMs: 2_000,
  drainTimeoutMs: 300,
  idleTimeoutMs: 0,
  maxLifetimeMs: 0,
};

export const SIMPLE = [
  ...[
    'acquire',
    'abort',
    'tryAcquire',
    'release',
    'releaseAgain',
    'answer',
    'lose',
    'openArrives',
    'openFails',
  ],
  ...['request', 'requestAnswers', 'clientLeaves', 'oneShot'],
] as const;
export const MODES = ['opens', 'resets', 'kills', 'goodbyes'] as const;
const STATEMENTS = [
  ...['SELECT 1', 'UPDATE t SET a = 1', 'SET @a = 1', 'START TRANSACTION', 'COMMIT', 'SET autocommit = 0'],
  ...['SELECT fails', 'SELECT fatal', 'SELECT hangs', 'UPDATE hangs', 'SELECT my_function(1)'],
] as const;

/** `n` chooses one of those there are. */
export type Operation =
  | { do: (typeof SIMPLE)[number] | 'expose'; n: number }
  | { do: 'query' | 'requestQuery'; n: number; sql: (typeof STATEMENTS)[number] }
  | { do: (typeof MODES)[number]; mode: 'well' | 'fails' | 'hangs' | 'lastingly' }
  | { do: 'tick'; ms: number }
  | { do: 'close'; timeoutMs: number };

const n = fc.nat(7);
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 120, arbitrary: fc.record({ do: fc.constantFrom(...SIMPLE), n }) },
  {
    weight: 60,
    arbitrary: fc.record({
      do: fc.constantFrom('query', 'requestQuery'),
      n,
      sql: fc.constantFrom(...STATEMENTS),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constantFrom(...MODES),
      mode: fc.constantFrom('well', 'well', 'fails', 'hangs', 'lastingly'),
    }),
  },
  {
    weight: 40,
    arbitrary: fc.record({ do: fc.constant('tick'), ms: fc.constantFrom(1, 50, 300, 1_000, 5_000) }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('expose'), n }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), timeoutMs: fc.constantFrom(0, 500) }) },
) as fc.Arbitrary<Operation>;
