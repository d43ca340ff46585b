import type { CommandOptions, Values } from '../command.js';
import { UsageError } from '../exit-codes.js';
import type { Demand } from './budget.js';
import { MOST_CONNECTIONS } from './estimate.js';
import type { Load } from './load.js';
import { decimal, positive, product, type Quantity, share, shareOrWhole, whole } from './quantities.js';

export const PLAN_OPTIONS: CommandOptions = {
  processes: {
    type: 'string',
    value: '20x32',
    help: 'processes with pools of their own: a number, or hosts x processes',
  },
  max: { type: 'string', value: '200', help: 'the max of each pool' },
  'server-max': { type: 'string', value: '1600', help: "the server's max_connections" },
  reserve: {
    type: 'string',
    value: '10%',
    default: '10%',
    help: 'left for consoles, jobs, backups: a share of it, or a number; default 10%',
  },
  rolling: {
    type: 'string',
    value: '[25%]',
    help: 'a restart during which old processes and new ones run side by side: all of them, or this share at a time',
  },
  pools: { type: 'string', value: '1', default: '1', help: 'pools in each process; default 1' },
  rate: {
    type: 'string',
    value: '5000',
    help: 'requests per second in all; without it: at 50 to 99 % of what can be served',
  },
  'rate-per-process': { type: 'string', value: '8', help: 'the same, for one process' },
  'hold-ms': {
    type: 'string',
    value: '10',
    help: 'how long a request holds its connection, on average; default 10',
  },
  'query-ms': { type: 'string', value: '2', help: 'instead of --hold-ms: how long a query takes …' },
  queries: {
    type: 'string',
    value: '5',
    help: '… and how many a request makes, one after another; default 1',
  },
  cv: {
    type: 'string',
    value: '1',
    default: '1',
    help: 'how uneven that time is: standard deviation / mean; 0 = always the same; default 1',
  },
  'wait-ms': {
    type: 'string',
    value: '100',
    default: '100',
    help: 'a load is carried where 95 % of the requests wait no longer; default 100',
  },
  seed: { type: 'string', value: '1', default: '1', help: "of the simulation's random numbers; default 1" },
};

export interface PlanInput {
  readonly demand: Demand;
  readonly load: Load;
  /** As they were given, for showing. */
  readonly processes: Quantity;
  readonly reserve: Quantity;
  /** Nobody said how long a connection is held. */
  readonly holdAssumed: boolean;
}

const ASSUMED_HOLD_MS = 10;

/** `--rolling` may stand alone, and `20 x 32` need not be quoted: brought into the form that the parser takes. */
export function normalize(args: readonly string[]): string[] {
  const done: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--rolling') {
      const given = /^\d/.test(args[at + 1] ?? '') ? args[++at] : '100%';
      done.push(`--rolling=${given}`);
    } else if (/^[x×*]$/i.test(arg) && /^\d/.test(done.at(-1) ?? '') && /^\d/.test(args[at + 1] ?? '')) {
      done.push(`${done.pop()} x ${args[++at]}`);
    } else done.push(arg);
  }
  return done;
}

/** Throws UsageError with what is wrong, or missing. */
export function readInput(values: Values, positionals: readonly string[]): PlanInput {
  if (positionals.length > 0) {
    throw new UsageError('plan takes options only: --processes 20x32 --max 200 --server-max 1600');
  }
  const text = (name: string) => values[name] as string | undefined;
  const required = (name: string, what: string) => {
    const given = text(name);
    if (given === undefined) throw new UsageError(`--${name} is missing: ${what}`);
    return given;
  };
  const processes = product('processes', required('processes', 'how many processes, 640 or 20x32'));
  const max = whole('max', required('max', 'the max of each pool, 200'), MOST_CONNECTIONS);
  const serverMax = whole(
    'server-max',
    required('server-max', "the server's max_connections: SELECT @@max_connections"),
    MOST_CONNECTIONS,
  );
  const reserve = shareOrWhole('reserve', text('reserve') ?? '10%', serverMax);
  if (reserve.value >= serverMax) {
    throw new UsageError(`--reserve ${reserve.text} leaves nothing of ${serverMax} connections`);
  }
  const pools = whole('pools', text('pools') ?? '1', MOST_CONNECTIONS);
  const rolling = values.rolling === undefined ? 0 : share('rolling', text('rolling') as string);
  const demand: Demand = {
    processes: processes.value,
    pools,
    max,
    serverMax,
    reserve: reserve.value,
    rolling,
  };
  const load = readLoad(text, processes.value);
  const holdAssumed = text('hold-ms') === undefined && text('query-ms') === undefined;
  return { demand, load, processes, reserve, holdAssumed };
}

type Text = (name: string) => string | undefined;

function readLoad(text: Text, processes: number): Load {
  return {
    rate: readRate(text, processes),
    holdMs: readHold(text),
    cv: readSpread(text('cv') ?? '1'),
    waitMs: decimal('wait-ms', text('wait-ms') ?? '100', 'a number of milliseconds: 0, 100'),
    seed: whole('seed', text('seed') ?? '1'),
  };
}

function readRate(text: Text, processes: number): number | undefined {
  const inAll = text('rate');
  const each = text('rate-per-process');
  if (inAll !== undefined && each !== undefined) {
    throw new UsageError('--rate and --rate-per-process say the same: give one of them');
  }
  if (inAll !== undefined) return positive('rate', inAll, 'requests per second in all');
  if (each === undefined) return undefined;
  return positive('rate-per-process', each, 'requests per second') * processes;
}

function readHold(text: Text): number {
  const hold = text('hold-ms');
  const query = text('query-ms');
  if (hold !== undefined && (query !== undefined || text('queries') !== undefined)) {
    throw new UsageError('--hold-ms is the whole time; --query-ms and --queries stand in its place');
  }
  if (text('queries') !== undefined && query === undefined) {
    throw new UsageError('--queries needs --query-ms: how long one of them takes');
  }
  if (query === undefined)
    return hold === undefined ? ASSUMED_HOLD_MS : positive('hold-ms', hold, 'milliseconds');
  return positive('query-ms', query, 'milliseconds') * whole('queries', text('queries') ?? '1');
}

function readSpread(given: string): number {
  const rule = '0, or a number from 0.1 to 10: standard deviation / mean of the hold time';
  const cv = decimal('cv', given, rule);
  if (cv !== 0 && (cv < 0.1 || cv > 10)) throw new UsageError(`--cv is ${rule}`);
  return cv;
}
