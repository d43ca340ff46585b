import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@handback/contract/support/eventually.js';
import { createPool, currentDb, type ErrorCode, type Scope } from '@handback/core';
import fastifyHandback from '@handback/fastify';
import type { RequestHandler } from 'express';
import Fastify from 'fastify';
import type { RowDataPacket } from 'mysql2';
import { ConnectionPool } from '#core/connection-pool.js';
import { TestRequest } from '../../core/request-fixture.js';
import { CARD, PASSWORD, WHOLE_PASSWORD } from './evidence.js';
import { type Stage, slow } from './stage.js';

const MANY_ROWS = `WITH RECURSIVE d (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM d WHERE n < 9)
  SELECT a.n, ? AS card FROM d a, d b, d c, d e, d f, d g`;
const BOUND = 'SELECT ? AS card';

async function idOf(db: Pick<Scope, 'query'>): Promise<number> {
  const [[row]] = await db.query<RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return row?.id;
}

/** How to get each error of the catalogue from a real server. null = reserved: nothing raises it. */
export const SCENARIOS: Readonly<Record<ErrorCode, ((stage: Stage) => Promise<unknown>) | null>> = {
  /** It takes hundreds: the first that is refused is looked at. */
  async OVERLOADED(stage) {
    const pool = createPool({ uri: stage.uri, max: 1, log: 10 });
    pool.events.once('acquireFailed', (event) => stage.evidence.look('event acquireFailed', event));
    pool.events.on('warning', (event) => stage.evidence.look('event warning', event));
    const answers: Promise<unknown>[] = [];
    let refused: Error | undefined;
    // Each has its listener from the beginning: some are refused while others are still being sent.
    const noted = (error: Error) => {
      refused ??= error;
    };
    for (let wave = 0; wave < 100 && pool.stats().shed === 0; wave++) {
      for (let n = 0; n < 40; n++) {
        const request = new TestRequest({ flow: ConnectionPool.flowOf(pool) });
        const answered = request.db.query('SELECT ? AS card, SLEEP(0.005)', [CARD]);
        answers.push(answered.catch(noted).finally(() => request.answer()));
      }
      await delay(100);
    }
    await Promise.all(answers);
    await stage.failure(() => (refused ? Promise.reject(refused) : undefined));
    await pool.close();
  },

  async INVALID_OPTION(stage) {
    const host = `x:${PASSWORD}@127.0.0.1`;
    for (const options of [
      `mysqlx://${host}`,
      `//${host}`,
      `mysql://${host}:port`,
      `mysql://${host}/s?sslmode=${PASSWORD}`,
      `mysql://x:1?${PASSWORD}@127.0.0.1`,
      `mysql://x:1#${PASSWORD}@127.0.0.1`,
      { uri: stage.uri, connection: stage.uri },
      { uri: stage.uri, connection: { pasword: PASSWORD } },
      { uri: stage.uri, password: PASSWORD },
      { uri: stage.uri, connection: { password: PASSWORD, charset: 'none' } },
      { uri: stage.uri, connection: { password: PASSWORD, ssl: 'none' } },
      { uri: { password: PASSWORD } },
      { uri: stage.uri, max: PASSWORD },
      { uri: stage.uri, name: [PASSWORD] },
      { uri: stage.uri, onConnect: { password: PASSWORD } },
    ])
      await stage.failure(() => createPool(options as never).query('SELECT 1'));
    await stage.pool({}, (pool) =>
      stage.failure(() => pool.query({ sql: BOUND, values: [CARD], timeout: CARD as never })),
    );
  },

  async ALREADY_REGISTERED(stage) {
    const lines: string[] = [];
    const app = Fastify({ logger: { level: 'trace', stream: { write: (line) => void lines.push(line) } } });
    await app.register(fastifyHandback, { uri: stage.uri, leakAfterMs: 20 });
    stage.watch(app.db);
    app.get('/', async (request) => {
      stage.evidence.look('scope', request.db);
      await request.db.query(slow(0.1));
      stage.evidence.look('request', request);
      await request.db.query(`SELECT ? FROM ${stage.table}_missing`, [CARD]);
    });
    await app.inject('/');
    stage.evidence.look('fastify', app);
    await stage.failure(() => Fastify().register(fastifyHandback, { uri: stage.uri, as: 'log' }));
    await stage.failure(async () => {
      await using other = Fastify();
      await other.register(fastifyHandback, { uri: stage.uri });
      await other.register(fastifyHandback, { uri: stage.uri });
    });
    await app.close();
    stage.evidence.look('fastify log', lines.join(''));
  },

  ROUTE_OPTED_OUT: (stage) =>
    stage.app(
      {},
      failing(stage, (db) => db.query(BOUND, [CARD])),
      (ask) => (ask as (path: string) => Promise<string>)('/off'),
    ),

  ACQUIRE_TIMEOUT: (stage) =>
    stage.pool({}, async (pool) => {
      const lease = await pool.acquire();
      stage.evidence.look('lease', lease);
      await lease.query(slow(0));
      stage.evidence.look('holders', pool.holders());
      await stage.failure(() => pool.acquire({ timeoutMs: 50 }));
      lease.release();
    }),

  QUEUE_FULL: (stage) =>
    stage.pool({ maxPending: 0 }, async (pool) => {
      const lease = await pool.acquire();
      await lease.execute('SELECT ? AS card', [CARD]);
      await stage.failure(() => pool.query(BOUND, [CARD]));
      lease.release();
    }),

  async POOL_CLOSED(stage) {
    const pool = createPool({ uri: stage.uri });
    await pool.close();
    await stage.failure(() => pool.query(BOUND, [CARD]));
  },

  async OPEN_FAILED(stage) {
    const wrong = stage.uri.replace(PASSWORD, `${PASSWORD}x`);
    await stage.pool({ uri: wrong }, (pool) => stage.failure(() => pool.query(BOUND, [CARD])));
    const connection = () => ({ uri: wrong, password: `${WHOLE_PASSWORD}x` });
    await stage.pool({ connection }, (pool) => stage.failure(() => pool.query(BOUND, [CARD])));
    const onConnect = `SELECT '${CARD}' FROM ${stage.table}_missing`;
    await stage.pool({ onConnect }, (pool) => stage.failure(() => pool.query('SELECT 1')));
    const connectAttributes = { secret: PASSWORD };
    const connectionOptions = { connectAttributes, port: 1 };
    await stage.pool({ uri: stage.uri, connection: connectionOptions, acquireTimeoutMs: 200 }, (pool) =>
      stage.failure(() => pool.query('SELECT 1')),
    );
  },

  CLIENT_GONE: (stage) =>
    stage.app(
      {},
      failing(stage, (db) => db.query(BOUND, [CARD])),
      async (_ask, leave, pool) => {
        const lease = await pool.acquire();
        const go = await leave();
        await eventually(() => {
          if (pool.stats().pending !== 1) throw new Error('not yet waiting');
        });
        go();
        await eventually(() => {
          if (pool.stats().pending !== 0) throw new Error('still waiting');
        });
        lease.release();
      },
    ),

  SCOPE_ENDED: (stage) =>
    stage.app(
      {},
      async (req, res) => {
        await req.db.query(BOUND, [CARD]);
        res.end();
        await delay(20);
        await req.db.query(slow(0));
        await stage.failure(() => req.db.query('SET @card = ?', [CARD]));
        stage.evidence.look('db.log', req.db.log);
      },
      async (ask) => {
        await ask();
        await eventually(() => {
          if (!stage.evidence.codes.has('SCOPE_ENDED')) throw new Error('not yet');
        });
      },
    ),

  LEASE_RELEASED: (stage) =>
    stage.pool({}, async (pool) => {
      const lease = await pool.acquire();
      await lease.query('SET @card = ?', [CARD]);
      lease.release();
      await stage.failure(() => lease.query(BOUND, [CARD]));
    }),

  DOUBLE_ACQUIRE: (stage) =>
    stage.pool({ onDoubleAcquire: 'error' }, (pool) =>
      pool.run(async (db) => {
        await db.query(slow(0));
        await stage.failure(() => pool.acquire({ scope: db }));
      }),
    ),

  NO_CURRENT_DB: (stage) => stage.failure(() => currentDb()),

  TRANSACTION_ROLLED_BACK: (stage) =>
    stage.pool({}, async (pool) => {
      await stage.failure(() =>
        pool.run(async (db) => {
          await db.beginTransaction();
          const id = await idOf(db);
          await db.query(`INSERT INTO ${stage.table} VALUES (?)`, [CARD]);
          await stage.kill(id);
          await stage.failure(() => db.query(BOUND, [CARD]));
          await db.query(BOUND, [CARD]);
        }),
      );
      await pool.run((db) => db.query(`START TRANSACTION /* ${CARD} */`));
    }),

  TRANSACTION_TOO_LATE: (stage) =>
    stage.app(
      { transaction: true },
      async (req, res) => {
        res.write('begun');
        await stage.failure(() => req.db.query(BOUND, [CARD]));
        res.end();
      },
      (ask) => ask(),
    ),

  TRANSACTION_NESTED: (stage) =>
    stage.pool({}, (pool) =>
      pool.run(async (db) => {
        await db.beginTransaction();
        await db.query(BOUND, [CARD]);
        await stage.failure(() => db.beginTransaction());
      }),
    ),

  OUTCOME_UNKNOWN: (stage) =>
    stage.pool({}, (pool) =>
      stage.failure(() =>
        pool.transaction(async (tx) => {
          await tx.query(`INSERT INTO ${stage.table} VALUES (?)`, [CARD]);
          await tx.query(`CREATE TABLE IF NOT EXISTS ${stage.table} (a TEXT COMMENT '${CARD}')`);
        }),
      ),
    ),

  QUERY_TIMEOUT: (stage) =>
    stage.pool({}, async (pool) => {
      await stage.failure(() => pool.query(slow(5, { timeout: 30 })));
      await stage.failure(() => pool.execute(slow(5, { timeout: 30 })));
      const named = { sql: 'SELECT SLEEP(5), :card', namedPlaceholders: true, timeout: 30 };
      await stage.failure(() => pool.query(named, { card: CARD }));
      await stage.failure(() => pool.stream(slow(5, { timeout: 30 })).toArray());
    }),

  QUERY_CANCELLED: (stage) =>
    stage.app(
      { afterResponse: 'cancel', drainTimeoutMs: 30 },
      (req, res) => {
        void stage.failure(() => req.db.query(slow(5)));
        setTimeout(() => res.end('left running'), 50);
      },
      async (ask) => {
        await ask();
        await eventually(() => {
          if (!stage.evidence.codes.has('QUERY_CANCELLED')) throw new Error('not yet');
        });
      },
    ),

  CONNECTION_LOST: (stage) =>
    stage.pool({ max: 2 }, (pool) =>
      stage.failure(() =>
        pool.run(async (db) => {
          await db.query('SET @card = ?', [CARD]);
          await stage.kill(await idOf(db));
          await db.query(BOUND, [CARD]);
        }),
      ),
    ),

  UNSAFE_PARAMETER: (stage) =>
    stage.pool({}, async (pool) => {
      for (const value of [{ [CARD]: CARD }, [CARD], { toSqlString: () => CARD }])
        await stage.failure(() => pool.query('SELECT 1 WHERE 1 = ?', [value as never]));
      const connection = { charset: 'latin1' };
      await stage.pool({ uri: stage.uri, connection }, (narrow) =>
        stage.failure(() => narrow.query(BOUND, [`${CARD}ħ`])),
      );
    }),

  STREAM_OPEN: (stage) =>
    stage.pool({ acquireTimeoutMs: 1_000 }, (pool) =>
      pool.run(async (db) => {
        const rows = db.stream(MANY_ROWS, [CARD]);
        await rows[Symbol.asyncIterator]().next();
        await stage.failure(() => db.query(BOUND, [CARD]));
        rows.destroy();
      }),
    ),
};

/** What the server says of statements that were sent with values, and what has no error of its own. */
export const OTHERS: readonly ((stage: Stage) => Promise<unknown>)[] = [
  (stage) =>
    stage.pool({ log: 20 }, (pool) =>
      pool.run(async (db) => {
        const missing = `SELECT ? FROM ${stage.table}_missing WHERE card = '${CARD}'`;
        await stage.failure(() => db.query(missing, [CARD]));
        await stage.failure(() => db.execute(missing, [CARD]));
        await stage.failure(() =>
          db.query({ sql: missing.replace('?', ':card'), namedPlaceholders: true }, { card: CARD }),
        );
        await stage.failure(() => db.stream(missing, [CARD]).toArray());
        await stage.failure(() => db.transaction((tx) => tx.query(missing, [CARD])));
        // What the server quotes in its own text stays on its error, and goes nowhere else.
        await assert.rejects(db.query(`SELECT '\\' ${CARD}`), new RegExp(CARD));
        stage.evidence.look('db.log', db.log);
        stage.evidence.look('scope', db);
      }),
    ),
  // Lock waits, and repetition after them.
  (stage) =>
    stage.pool({ max: 2 }, async (pool) => {
      const lease = await pool.acquire();
      await lease.beginTransaction();
      await lease.query(`SELECT * FROM ${stage.table} FOR UPDATE`);
      const work = (tx: Pick<Scope, 'query'>) =>
        tx.query(`SELECT ? FROM ${stage.table} FOR UPDATE NOWAIT`, [CARD]);
      await stage.failure(() => pool.transaction(work, { retries: 1 }));
      await lease.rollback();
      lease.release();
    }),
  // Held for long.
  (stage) =>
    stage.pool({ leakAfterMs: 20 }, async (pool) => {
      const lease = await pool.acquire();
      await lease.query(slow(0));
      await eventually(() => {
        if (!stage.evidence.events.has('leak')) throw new Error('not yet');
      });
      lease.release();
    }),
  // A server without room, and limits that are in the way.
  async (stage) => {
    const account = new URL(stage.uri).username;
    await stage.admin.query(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS 2`);
    await stage.pool({ max: 5, connection: { multipleStatements: true } }, (pool) =>
      Promise.all([1, 2, 3, 4].map(() => stage.failure(() => pool.query(slow(0.05))))),
    );
    await stage.admin.query(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS 0`);
  },
  // Without a listener, to the process.
  async (stage) => {
    const pool = createPool({ uri: `${stage.uri}?multipleStatements=true`, max: 1 });
    await pool.run((db) => db.query(`START TRANSACTION /* ${CARD} */`));
    const lease = await pool.acquire();
    await lease.query(slow(0));
    await stage.failure(() => pool.acquire({ timeoutMs: 20 }));
    lease.release();
    await pool.close();
  },
];

function failing(stage: Stage, work: (db: Scope) => Promise<unknown>): RequestHandler {
  return async (req, _res, next) => {
    next(await stage.failure(() => work(req.db)));
  };
}
