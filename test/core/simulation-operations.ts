import fc from 'fast-check';
import type { PoolOptions } from '#core/options.js';

type Settled<T> = { [K in keyof T]-?: NonNullable<T[K]> };

export type Setup = Settled<
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
    | 'maxUses'
    | 'validate'
    | 'validateAfterMs'
    | 'validateTimeoutMs'
    | 'queryTimeoutMs'
    | 'leakAfterMs'
    | 'maxHoldMs'
    | 'reset'
    | 'onConnect'
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
  maxUses: 0,
  validate: 'idle',
  validateAfterMs: 1_000_000,
  validateTimeoutMs: 200,
  queryTimeoutMs: 0,
  leakAfterMs: 0,
  maxHoldMs: 0,
  reset: 'auto',
  onConnect: [],
};

export const setup: fc.Arbitrary<Setup> = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  minIdle: fc.nat(2),
  maxIdle: fc.nat(4),
  maxOpening: fc.integer({ min: 1, max: 3 }),
  maxPending: fc.constantFrom(0, 2, 100),
  reuse: fc.constantFrom('lifo', 'fifo'),
  acquireTimeoutMs: fc.constantFrom(0, 100, 2_000),
  drainTimeoutMs: fc.constantFrom(0, 300),
  idleTimeoutMs: fc.constantFrom(0, 1_000),
  maxLifetimeMs: fc.constantFrom(0, 3_000),
  maxUses: fc.constantFrom(0, 0, 5),
  validate: fc.constantFrom('idle', 'always', 'never'),
  validateAfterMs: fc.constantFrom(0, 100, 1_000_000),
  validateTimeoutMs: fc.constantFrom(50, 400),
  queryTimeoutMs: fc.constantFrom(0, 200),
  leakAfterMs: fc.constantFrom(0, 300),
  maxHoldMs: fc.constantFrom(0, 0, 1_500),
  reset: fc.constantFrom('auto', 'auto', 'always', 'rollback'),
  onConnect: fc.constantFrom<string[]>([], ['SELECT ready']),
});

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
  ...['request', 'requestAnswers', 'clientLeaves', 'oneShot', 'begin', 'commit', 'rollback', 'transaction'],
  ...['abortQuery', 'answerPing', 'scopeRelease'],
] as const;
export const MODES = ['opens', 'resets', 'kills', 'goodbyes', 'pings'] as const;
const STATEMENTS = [
  ...['SELECT 1', 'UPDATE t SET a = 1', 'SET @a = 1', 'START TRANSACTION', 'COMMIT', 'SET autocommit = 0'],
  ...['SELECT fails', 'SELECT fatal', 'SELECT hangs', 'UPDATE hangs', 'SELECT my_function(1)'],
] as const;

/** `n` chooses one of those there are. */
export type Operation =
  | { do: (typeof SIMPLE)[number] | 'expose' | 'evictAll'; n: number }
  | { do: 'resize'; max: number; minIdle: number }
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
  { weight: 10, arbitrary: fc.record({ do: fc.constantFrom('expose', 'evictAll'), n }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('resize'),
      max: fc.integer({ min: 1, max: 5 }),
      minIdle: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), timeoutMs: fc.constantFrom(0, 500) }) },
) as fc.Arbitrary<Operation>;
