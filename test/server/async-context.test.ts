import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { finished, pipeline as pipelineWithCallback, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { databaseUrl } from '@handback/contract/support/database.js';
import { type ConnectionPool, createPool, type Scope } from '@handback/core';

/** Anybody's: a tracer's, a logger's. Handback knows nothing of it. */
const storage = new AsyncLocalStorage<number>();
const NUMBERS = 'SELECT 1 AS n UNION SELECT 2 UNION SELECT 3';

type See = () => void;

/** Uses one API and calls `see` wherever code of the application runs. */
type Use = (db: Scope, see: See, pool: ConnectionPool) => Promise<unknown>;

function sink(see: See): Writable {
  return new Writable({
    objectMode: true,
    write(_row, _encoding, done) {
      see();
      done();
    },
    final(done) {
      see();
      done();
    },
  });
}

const MATRIX: Record<string, Use> = {
  'a query that is awaited': async (db, see) => {
    await db.query('SELECT 1');
    see();
    await db.execute('SELECT ?', [1]);
    see();
  },
  'then, catch and finally': (db, see) =>
    db
      .query('SELECT 1')
      .then(see)
      .then(() => db.query('SELECT nothing'))
      .catch(see)
      .finally(see),
  'a transaction and its savepoints': async (db, see) => {
    await db.transaction(async (tx) => {
      see();
      await tx.query('SELECT 1');
      see();
      await tx.transaction(async (inner) => {
        see();
        await inner.query('SELECT 1');
        see();
      });
    });
    see();
  },
  'transactions that wait for one another': (db, see) =>
    Promise.all(
      [1, 2].map(() =>
        db.transaction(async (tx) => {
          see();
          await tx.query('SELECT 1');
          see();
        }),
      ),
    ),
  'for await on a stream': async (db, see) => {
    for await (const _row of db.stream(NUMBERS)) see();
    see();
  },
  'the events of a stream': (db, see) =>
    new Promise<void>((resolve) => {
      db.stream(NUMBERS)
        .on('fields', see)
        .on('resume', see)
        .on('data', see)
        .on('end', see)
        .on('close', () => {
          see();
          resolve();
        });
    }),
  'readable, and read()': (db, see) =>
    new Promise<void>((resolve) => {
      const stream = db.stream(NUMBERS, undefined, { highWaterMark: 1 });
      stream.on('readable', () => {
        see();
        while (stream.read() !== null) see();
      });
      stream.on('end', () => {
        see();
        resolve();
      });
    }),
  'a stream that fails': (db, see) =>
    new Promise<void>((resolve) => {
      db.stream('SELECT nothing')
        .on('error', see)
        .on('close', () => {
          see();
          resolve();
        })
        .resume();
    }),
  'a stream with back-pressure': (db, see) =>
    new Promise<void>((resolve) => {
      const stream = db.stream('SELECT seq FROM seq_1_to_2000');
      let rows = 0;
      stream.on('data', () => {
        see();
        if (++rows % 500 !== 0) return;
        stream.pause();
        setImmediate(() => stream.resume());
      });
      stream.on('end', resolve);
    }),
  'the callbacks of pipeline() and finished()': (db, see) =>
    new Promise<void>((resolve) => {
      const stream = db.stream(NUMBERS);
      finished(stream, see);
      pipelineWithCallback(stream, sink(see), () => {
        see();
        resolve();
      });
    }),
  'pipeline() of promises': async (db, see) => {
    await pipeline(db.stream(NUMBERS), sink(see));
    see();
  },
  'typeCast of a statement': async (db, see) => {
    const typeCast = (_field: unknown, next: () => unknown) => {
      see();
      return next();
    };
    await db.query({ sql: 'SELECT 1', typeCast });
    await db.execute({ sql: 'SELECT 2', typeCast });
  },
  'the listeners of an aborted signal, and what the statement rejects with': async (db, see) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 10);
    await db.query({ sql: 'SELECT SLEEP(5)', signal: controller.signal }).catch(see);
  },
  'statements, leases and jobs of the pool': async (_db, see, pool) => {
    await pool.query('SELECT 1');
    see();
    for await (const _row of pool.stream(NUMBERS)) see();
    const lease = await pool.acquire();
    see();
    await lease.query('SELECT 1').finally(() => lease.release());
    see();
    await pool.run(async (job) => {
      see();
      await job.query('SELECT 1');
      see();
    });
    await pool.transaction(async () => see());
    see();
  },
  'callbacks and events of the raw connection': async (db, see) => {
    const raw = await db.connection();
    see();
    await new Promise<void>((resolve) => {
      raw.query(NUMBERS, () => {
        see();
        raw.execute('SELECT ?', [1], () => {
          see();
          raw
            .query(NUMBERS)
            .on('fields', see)
            .on('result', see)
            .on('end', () => {
              see();
              raw.ping(() => {
                see();
                resolve();
              });
            });
        });
      });
    });
    await raw.promise().query('SELECT 1');
    see();
    await new Promise<void>((resolve) => {
      raw
        .query('SELECT nothing')
        .on('error', see)
        .on('end', () => {
          see();
          resolve();
        });
    });
  },
};

/** Forty times at once on two connections: opened by some, granted by the release of others. */
async function stores(use: Use): Promise<{ wrong: number[][]; seen: number }> {
  const pool = createPool({ uri: databaseUrl(), max: 2 });
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, n) => {
      const request = n + 1;
      const seen: number[] = [];
      const see = () => void seen.push(storage.getStore() ?? 0);
      const job = () => pool.run((db) => use(db, see, pool));
      // A scope holds nothing before its first query, so what a job asks of the pool can't wait for the job itself.
      return storage.run(request, job).then(() => ({ request, seen }));
    }),
  );
  await pool.close();
  const wrong = all.filter(({ request, seen }) => seen.some((store) => store !== request));
  return {
    wrong: wrong.map(({ request, seen }) => [request, ...seen]),
    seen: Math.min(...all.map(({ seen }) => seen.length)),
  };
}

describe("anybody's AsyncLocalStorage has the caller's store in", () => {
  for (const [name, use] of Object.entries(MATRIX)) {
    it(name, async () => {
      const { wrong, seen } = await stores(use);
      assert.ok(seen > 0, 'nothing was looked at');
      assert.deepEqual(wrong, [], 'the request, then the stores it saw');
    });
  }
});

describe('events of the pool', () => {
  it('are told outside of every request, whoever caused them', async () => {
    const pool = createPool({ uri: databaseUrl(), max: 1 });
    const seen: unknown[] = [];
    storage.run(99, () => {
      for (const name of ['open', 'acquire', 'release', 'reset', 'evict'] as const)
        pool.events.on(name, () => seen.push(storage.getStore()));
    });
    const use = (n: number) => storage.run(n, () => pool.run((db) => db.query('SET @a = 1')));
    await Promise.all([1, 2, 3].map(use));
    await pool.close();
    assert.ok(seen.length >= 8, `${seen.length} events`);
    assert.deepEqual([...new Set(seen)], [undefined]);
  });
});

describe('what the pool calls to open and prepare connections', () => {
  it('runs outside of the request that it is opened for', async () => {
    const seen: unknown[] = [];
    const pool = createPool({
      connection: async () => {
        seen.push(storage.getStore());
        return { uri: databaseUrl() };
      },
      onConnect: async (connection) => {
        seen.push(storage.getStore());
        await connection.query('SELECT 1');
        seen.push(storage.getStore());
      },
      max: 1,
    });
    await storage.run(1, () => pool.run((db) => db.query('SET @a = 1')));
    await storage.run(2, () => pool.query('SELECT 1'));
    await pool.close();
    assert.deepEqual(seen, Array(5).fill(undefined));
  });
});
