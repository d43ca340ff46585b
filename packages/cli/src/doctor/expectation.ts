import { numberOption, textOption } from '../arguments.js';
import type { CommandOptions, Values } from '../command.js';
import { UsageError } from '../exit-codes.js';

/** What a pool was told, or is assumed to have been told. In ms, as the pool's options are. */
export interface PoolLimits {
  readonly max: number;
  readonly idleTimeoutMs: number;
  readonly acquireTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly leakAfterMs: number;
}

/** Of Handback's pools, for requests. */
export const DEFAULTS: PoolLimits = {
  max: 10,
  idleTimeoutMs: 300_000,
  acquireTimeoutMs: 5_000,
  connectTimeoutMs: 3_000,
  queryTimeoutMs: 30_000,
  leakAfterMs: 30_000,
};

/** What the server is held against: one pool, in each of so many processes. */
export interface Expectation extends PoolLimits {
  /** How many processes have such a pool; undefined = nobody said it. */
  readonly processes: number | undefined;
  /** As it was given: `20x32`. */
  readonly processesText: string | undefined;
  /** The account of the pools, where it was said. */
  readonly user: string | undefined;
  /** Options that nobody gave: Handback's defaults. */
  readonly assumed: ReadonlySet<keyof PoolLimits>;
  readonly sleepAfterMs: number;
  readonly transactionAfterMs: number;
}

/** The options of `doctor` for it. */
export const EXPECTATION_OPTIONS: CommandOptions = {
  max: { type: 'string', value: 'N', help: `the pool's option max (default ${DEFAULTS.max})` },
  processes: { type: 'string', value: 'N|AxB', help: 'how many processes have such a pool: 640, or 20x32' },
  'pool-user': {
    type: 'string',
    value: 'NAME',
    help: "the pools' account, whose connections are not others' (default: as --app shows, else the url's)",
  },
  'idle-timeout': { type: 'string', value: 'MS', help: `idleTimeoutMs (default ${DEFAULTS.idleTimeoutMs})` },
  'acquire-timeout': {
    type: 'string',
    value: 'MS',
    help: `acquireTimeoutMs (default ${DEFAULTS.acquireTimeoutMs})`,
  },
  'connect-timeout': {
    type: 'string',
    value: 'MS',
    help: `connectTimeoutMs (default ${DEFAULTS.connectTimeoutMs})`,
  },
  'query-timeout': {
    type: 'string',
    value: 'MS',
    help: `queryTimeoutMs (default ${DEFAULTS.queryTimeoutMs}, 0 = none)`,
  },
  'leak-after': { type: 'string', value: 'MS', help: `leakAfterMs (default ${DEFAULTS.leakAfterMs})` },
  'sleep-after': {
    type: 'string',
    value: 'MS',
    help: 'who sleeps longer is reported (default twice the idle timeout, at least 600000)',
  },
  'transaction-after': {
    type: 'string',
    value: 'MS',
    help: 'transactions open for longer are reported (default leakAfterMs)',
  },
};

const FLAGS: Readonly<Record<keyof PoolLimits, string>> = {
  max: 'max',
  idleTimeoutMs: 'idle-timeout',
  acquireTimeoutMs: 'acquire-timeout',
  connectTimeoutMs: 'connect-timeout',
  queryTimeoutMs: 'query-timeout',
  leakAfterMs: 'leak-after',
};

const LEAST_SLEEP_MS = 600_000;

/** The command line's word counts first, then the application's, then the defaults. Throws UsageError. */
export function expectationOf(values: Values, told: Partial<PoolLimits> = {}): Expectation {
  const assumed = new Set<keyof PoolLimits>();
  const limits = Object.fromEntries(
    Object.entries(FLAGS).map(([name, flag]) => {
      const key = name as keyof PoolLimits;
      const given = numberOption(values, flag, key === 'max' ? 1 : 0) ?? told[key];
      if (given === undefined) assumed.add(key);
      return [key, given ?? DEFAULTS[key]];
    }),
  ) as unknown as PoolLimits;
  const processesText = textOption(values, 'processes');
  return {
    ...limits,
    assumed,
    processesText,
    processes: processesText === undefined ? undefined : productOf(processesText),
    user: textOption(values, 'pool-user'),
    sleepAfterMs: numberOption(values, 'sleep-after') ?? Math.max(2 * limits.idleTimeoutMs, LEAST_SLEEP_MS),
    // 0 = it reports no leaks, which says nothing of transactions.
    transactionAfterMs:
      numberOption(values, 'transaction-after') ?? (limits.leakAfterMs || DEFAULTS.leakAfterMs),
  };
}

/** One for each pool that was told of, else one for a pool that is assumed; for what is looked at once, the most patient. */
export function expectationsOf(
  values: Values,
  pools: readonly { readonly options: Partial<PoolLimits> }[],
): [Expectation, ...Expectation[]] {
  const each =
    pools.length === 0 ? [expectationOf(values)] : pools.map(({ options }) => expectationOf(values, options));
  const sleepAfterMs = Math.max(...each.map((one) => one.sleepAfterMs));
  const transactionAfterMs = Math.max(...each.map((one) => one.transactionAfterMs));
  return each.map((one) => ({ ...one, sleepAfterMs, transactionAfterMs })) as [Expectation, ...Expectation[]];
}

/** `20x32` = 640. */
function productOf(given: string): number {
  const factors = given
    .split(/[x×*]/i)
    .map((factor) => Number(/^\s*\d+\s*$/.test(factor) ? factor : Number.NaN));
  const product = factors.reduce((total, factor) => total * factor, 1);
  if (Number.isSafeInteger(product) && product > 0) return product;
  throw new UsageError('--processes is a number, or a product of numbers: 640, 20x32');
}
