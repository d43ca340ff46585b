import expressHandback from '@handback/express';
import fastifyHandback, {
  type ConnectionPool,
  createPool,
  type PoolStats,
  type Scope,
} from '@handback/fastify';
import koaHandback from '@handback/koa';
import type { Contender, ContenderFactory, PoolState, Row, Session, Statements, Tell } from '../contender.js';
import type { RouteNeeds } from '../route.js';
import type { Plugin } from '../servers/plugin.js';
import { addressOf, readPassword } from './connection-options.js';

/** The real plugin of each framework, over one pool. */
export const contend: ContenderFactory = async (task, tell) => {
  const pool = createPool({
    connection: async () => ({ ...addressOf(task), password: await readPassword(task) }),
    max: task.max,
    // Who is served when (I16): under overload 'adaptive', the default, serves the newest first.
    queue: 'fifo',
    ...task.deadlines,
  });
  listen(pool, tell);
  const contender: Contender = {
    lend: ({ native }) => ({ session: sessionOf((native as { db: Scope }).db), settled() {} }),
    once: (work) => pool.run((db) => work(statementsOf(db))),
    plugin: pluginOn(pool),
    stats: () => stateOf(pool.stats()),
    inspected: pool,
    emitters: [pool.events],
    unbalanced: (quiet) => unbalanced(pool.stats(), quiet),
    close: () => pool.close({ timeoutMs: 5_000 }),
  };
  return contender;
};

function pluginOn(pool: ConnectionPool): Plugin {
  const settings = ({ transaction }: RouteNeeds) => (transaction ? { transaction } : {});
  return {
    fastify: async (app) => void (await app.register(fastifyHandback, { pool })),
    fastifyConfig: (needs) => ({ handback: settings(needs) }),
    express: () => expressHandback({ pool }),
    expressRoute: (needs) => [expressHandback.route(settings(needs))],
    koa: () => koaHandback({ pool }),
    koaRoute: (needs) => [koaHandback.route(settings(needs))],
  };
}

function statementsOf(db: Pick<Scope, 'query' | 'execute'>): Statements {
  return {
    async query(sql, values, timeoutMs) {
      const [rows] = await db.query(timeoutMs === undefined ? sql : { sql, timeoutMs }, values);
      return rows as unknown as Row[];
    },
    async execute(sql, values) {
      const [rows] = await db.execute(sql, values as never[]);
      return rows as unknown as Row[];
    },
  };
}

function sessionOf(db: Scope): Session {
  return {
    ...statementsOf(db),
    begin: () => db.beginTransaction(),
    commit: () => db.commit(),
    rollback: () => db.rollback(),
    transaction: (work) => db.transaction((tx) => work(statementsOf(tx))),
    stream: async (sql, values) => db.stream(sql, values),
    release: () => db.release(),
  };
}

const FREQUENT = [
  'acquire',
  'release',
  'reset',
  'late',
  'rollback',
  'evict',
  'open',
  'cancel',
  'kill',
] as const;
const RARE = [
  'openFailed',
  'acquireFailed',
  'leak',
  'unleak',
  'distrust',
  'doubleAcquire',
  'retry',
  'warning',
] as const;

function listen({ events }: ConnectionPool, tell: Tell): void {
  // First, before the other listeners take their time.
  events.on('acquire', ({ waitedMs }) => tell.granted(waitedMs));
  for (const name of [...FREQUENT, ...RARE]) {
    events.on(name, (event: unknown) => {
      tell.count(`event:${name}`);
      tell.said(`the event ${name}`, event);
    });
  }
  events.on('openFailed', ({ error }) =>
    tell.count(`openFailed:${(error as { code?: string }).code ?? error.message}`),
  );
  events.on('reset', ({ reason }) => tell.count(`reset:${reason}`));
}

const STATES = [
  'idle',
  'leased',
  'opening',
  'validating',
  'resetting',
  'draining',
  'ghost',
  'closing',
] as const;

function sumOfStates(stats: PoolStats): number {
  return STATES.reduce((sum, state) => sum + stats[state], 0);
}

function stateOf(stats: PoolStats): PoolState {
  const { max, leased, pending, opened, closed, acquired, released } = stats;
  return { max, leased, pending, opened, closed, acquired, released, open: sumOfStates(stats) };
}

/** A lease whose connection was cut under it is still out, and no state of a connection any more. */
export function unbalanced(stats: PoolStats, quiet: boolean): string | undefined {
  const open = stats.opened - stats.closed;
  const out = stats.acquired - stats.released;
  if (open !== sumOfStates(stats))
    return `opened - closed = ${open}, the states sum up to ${sumOfStates(stats)}`;
  if (out < stats.leased) return `acquired - released = ${out}, leased = ${stats.leased}`;
  if (quiet && out !== 0) return `acquired - released = ${out} when nothing was under way`;
  if (open > stats.max) return `${open} connections of at most ${stats.max}`;
  return undefined;
}
