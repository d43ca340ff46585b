import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { PassThrough, type Readable, Transform, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import { eventually, Gate, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { TcpProxy } from '@handback/contract/support/tcp-proxy.js';
import { type ConnectionPool, createPool, type PoolOptions, type StreamOptions } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

interface Db {
  stream(
    sql: string | { sql: string; signal?: AbortSignal },
    values?: unknown[],
    options?: StreamOptions,
  ): Readable;
  query(sql: string, values?: unknown[]): Promise<[unknown, unknown]>;
}

type Code = string | undefined;

const codeOf = (work: Promise<unknown>): Promise<Code> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

/** 10 kB a row, and 10 TB in all: nothing that reads on for itself comes to an end. */
const ENDLESS = "SELECT seq AS n, REPEAT('x', 10000) AS filling FROM seq_1_to_1000000000";

/** A row now and then, each sent at once. */
const TRICKLE = "SELECT seq AS n, REPEAT('x', 40000) AS filling, SLEEP(0.02) FROM seq_1_to_1000000";

async function pooled(options: Partial<PoolOptions>, work: (pool: ConnectionPool) => Promise<unknown>) {
  const pool = createPool({ uri: databaseUrl(), max: 2, ...options });
  pool.events.on('warning', () => {});
  try {
    await work(pool);
    await eventually(() => assert.deepEqual([pool.stats().leased, pool.stats().draining], [0, 0]));
    const { opened, closed } = pool.stats();
    assert.ok(opened - closed <= 2);
  } finally {
    await pool.close({ timeoutMs: 0 });
  }
}

async function take(stream: AsyncIterable<unknown>, count: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of stream) if (rows.push(row) === count) break;
  return rows;
}

/** Reads so many rows, and leaves the stream open. */
async function begin(stream: Readable, count = 1): Promise<AsyncIterator<{ n: number }>> {
  const rows = stream[Symbol.asyncIterator]();
  for (let n = 0; n < count; n++) await rows.next();
  return rows as AsyncIterator<{ n: number }>;
}

/** Everywhere a stream may be asked for. */
const PLACES: Record<string, (pool: ConnectionPool, work: (db: Db) => Promise<void>) => Promise<unknown>> = {
  'a request': (pool, work) => pool.run((db) => work(db as Db)),
  'the pool': (pool, work) => work(pool as Db),
  'a lease': async (pool, work) => {
    await using lease = await pool.acquire();
    await work(lease as Db);
  },
  'tx in transaction(fn)': (pool, work) => pool.run((db) => db.transaction((tx) => work(tx as Db))),
  'a request that has ended': async (pool, work) => {
    const late = await pool.run(async (db) => db);
    await work(late as Db);
  },
};

describe('streams on the server', () => {
  let watcher: ServerWatcher;

  before(async () => {
    watcher = await ServerWatcher.open();
  });

  after(() => watcher.close());

  for (const [where, on] of Object.entries(PLACES)) {
    describe(`of ${where}`, () => {
      it('a reader that stops for a while is waited for: the server is not run ahead of, and memory stays', async () => {
        const proxy = await TcpProxy.inFrontOf(databaseUrl());
        try {
          await pooled({ uri: proxy.url(databaseUrl()), drainTimeoutMs: 10_000 }, (pool) =>
            on(pool, async (db) => {
              proxy.mark();
              const stream = db.stream(ENDLESS);
              const rows = await begin(stream, 100);
              let before = -1;
              // The buffers of the sockets fill up; then nothing comes any more.
              await eventually(async () => {
                const { toClient } = proxy.traffic;
                const still = toClient === before;
                before = toClient;
                await new Promise((resolve) => setTimeout(resolve, 50));
                assert.ok(still);
              });
              assert.ok(before < 40_000_000, `${before} bytes came for 100 rows of 10 kB`);
              assert.ok(stream.readableLength <= 16, `${stream.readableLength} rows wait`);
              assert.equal((await rows.next()).value.n, 101, 'it goes on where it stopped');
              stream.destroy();
            }),
          );
        } finally {
          await proxy.close();
        }
      });

      it('break, destroy() or an error in the loop, in the middle of an endless result: it is killed, and the connection stays', async () => {
        const marker = unique('left_alone');
        const leave = {
          break: (stream: Readable) => take(stream, 3),
          destroy: async (stream: Readable) => {
            await begin(stream);
            stream.destroy();
          },
          throw: (stream: Readable) =>
            assert.rejects(async () => {
              for await (const _row of stream) throw new Error('mine');
            }, /mine/),
          pipeline: (stream: Readable) =>
            assert.rejects(
              pipeline(
                stream,
                new Transform({ objectMode: true, transform: (_row, _e, done) => done(new Error('mine')) }),
              ),
              /mine/,
            ),
        };
        await pooled({ max: 1 }, async (pool) => {
          for (const how of where === 'a request' ? Object.values(leave) : [leave.break]) {
            await on(pool, async (db) => {
              await how(db.stream(`${ENDLESS} /* ${marker} */`));
              await within(8_000, 'the next statement', db.query('SELECT 1'));
            });
            await eventually(async () => assert.deepEqual(await watcher.running(marker), []));
          }
          await within(8_000, 'the next holder', pool.query('SELECT 1'));
          assert.equal(pool.stats().opened, 1);
        });
      });

      it('its connection is killed while a row is awaited: an error, before any other row', async () => {
        await pooled({}, async (pool) => {
          const marker = unique('to_be_killed');
          const work = on(pool, async (db) => {
            const stream = db.stream(`${TRICKLE} /* ${marker} */`);
            const rows = await begin(stream, 2);
            await watcher.disconnect((await watcher.runner(marker)).id);
            const rest = (async () => {
              for (let n = 0; ; n++) if ((await rows.next()).done) return n;
            })();
            const code = await within(10_000, 'the error', codeOf(rest));
            assert.match(String(code), /PROTOCOL_CONNECTION_LOST|ECONNRESET|ER_CONNECTION_KILLED|EPIPE/);
          });
          // With its transaction, where it was in one.
          assert.match(String(await codeOf(work)), /done|TRANSACTION_ROLLED_BACK/);
          await pool.query('SELECT 1');
        });
      });

      it('its statement is killed in the middle: the server’s error, and the connection stays', async () => {
        await pooled({ max: 1 }, async (pool) => {
          const marker = unique('to_be_killed');
          await on(pool, async (db) => {
            const stream = db.stream(`${TRICKLE} /* ${marker} */`);
            const rows = await begin(stream, 2);
            await watcher.interrupt((await watcher.runner(marker)).id);
            const rest = (async () => {
              while (!(await rows.next()).done);
            })();
            assert.equal(await within(10_000, 'the error', codeOf(rest)), 'ER_QUERY_INTERRUPTED');
            await db.query('SELECT 1');
          });
          assert.equal(pool.stats().opened, 1);
        });
      });

      it('a signal that aborts in the middle kills it on the server, and the connection stays', async () => {
        await pooled({ max: 1 }, async (pool) => {
          const marker = unique('to_be_aborted');
          await on(pool, async (db) => {
            for (const beside of [true, false]) {
              const controller = new AbortController();
              const { signal } = controller;
              const sql = `${TRICKLE} /* ${marker} */`;
              const stream = beside ? db.stream(sql, [], { signal }) : db.stream({ sql, signal });
              const rows = await begin(stream, 2);
              const reason = new Error('enough');
              controller.abort(reason);
              await assert.rejects(async () => {
                while (!(await rows.next()).done);
              }, reason);
              await within(10_000, 'the next statement', db.query('SELECT 1'));
              assert.deepEqual(await watcher.running(marker), []);
            }
          });
        });
      });

      it('a server that falls silent in the middle: QUERY_TIMEOUT', async () => {
        const proxy = await TcpProxy.inFrontOf(databaseUrl());
        try {
          await pooled({ uri: proxy.url(databaseUrl()), queryTimeoutMs: 1_000 }, async (pool) => {
            const work = on(pool, async (db) => {
              const stream = db.stream(TRICKLE);
              const rows = await begin(stream, 2);
              proxy.flow = 'swallow';
              await assert.rejects(
                async () => {
                  while (!(await rows.next()).done);
                },
                { code: 'QUERY_TIMEOUT' },
              );
              // Nor is the KILL answered: the socket is cut.
              await eventually(() => assert.equal(pool.stats().evicted.undrained, 1));
            });
            await within(8_000, 'the end', codeOf(work));
            proxy.flow = 'pass';
          });
        } finally {
          await proxy.close();
        }
      });

      it('an empty result, a wrong statement, large rows, and rows of all sizes of window', () =>
        pooled({ max: 1 }, (pool) =>
          on(pool, async (db) => {
            assert.deepEqual(await db.stream('SELECT 1 FROM DUAL WHERE 1 = 0').toArray(), []);
            const failed = db.stream('SELECT * FROM no_such_table').toArray();
            assert.equal(await codeOf(failed), 'ER_NO_SUCH_TABLE');
            for (const highWaterMark of [0, 1, 2, 1_000]) {
              const rows = await db
                .stream('SELECT seq AS n FROM seq_1_to_100', [], { highWaterMark })
                .toArray();
              assert.deepEqual(
                rows.map(({ n }) => n),
                Array.from({ length: 100 }, (_, n) => n + 1),
              );
            }
            const large = "SELECT REPEAT('x', 8000000) AS x FROM seq_1_to_5";
            let bytes = 0;
            for await (const { x } of db.stream(large, [], { highWaterMark: 1 })) bytes += x.length;
            assert.equal(bytes, 40_000_000);
          }),
        ));

      it('two, one after the other, and what comes while nobody reads them', () =>
        pooled({ max: 1 }, (pool) =>
          on(pool, async (db) => {
            const [first, second] = [1, 2].map((n) => db.stream(`SELECT ${n} AS n FROM seq_1_to_1000`));
            await db.query('SELECT 1');
            assert.equal((await (second as Readable).toArray()).length, 1_000);
            assert.equal((await (first as Readable).toArray()).length, 1_000);
          }),
        ));
    });
  }

  describe('a loop over a stream that queries the same connection', () => {
    for (const where of ['a request', 'a lease', 'tx in transaction(fn)']) {
      it(`of ${where}: STREAM_OPEN, instead of waiting for ever`, () =>
        pooled({ max: 1, acquireTimeoutMs: 1_000 }, (pool) =>
          (PLACES[where] ?? assert.fail())(pool, async (db) => {
            const loop = async () => {
              for await (const _row of db.stream('SELECT seq AS n FROM seq_1_to_1000'))
                await db.query('SELECT 2');
            };
            assert.equal(await within(10_000, 'the loop', codeOf(loop())), 'STREAM_OPEN');
            const nested = async () => {
              for await (const { n } of db.stream('SELECT seq AS n FROM seq_1_to_1000'))
                await db.stream(`SELECT ${n}`).toArray();
            };
            assert.equal(await within(10_000, 'the loop', codeOf(nested())), 'STREAM_OPEN');
            await db.query('SELECT 1');
          }),
        ));
    }

    it('through the pool it works', () =>
      pooled({ max: 2 }, async (pool) => {
        await pool.run(async (db) => {
          let sum = 0;
          for await (const { n } of db.stream('SELECT seq AS n FROM seq_1_to_100')) {
            const [rows] = await pool.query<RowDataPacket[]>('SELECT ? AS n', [n]);
            sum += rows[0]?.n;
          }
          assert.equal(sum, 5_050);
        });
      }));

    it('beside a slow reader that goes on a query waits, and then runs', () =>
      pooled({ max: 1, acquireTimeoutMs: 1_000 }, async (pool) => {
        await pool.run(async (db) => {
          const slow = new Writable({
            objectMode: true,
            highWaterMark: 1,
            write: (_row, _encoding, done) => void setTimeout(done, 20),
          });
          const piped = pipeline(db.stream('SELECT seq AS n FROM seq_1_to_100'), slow);
          await once(slow, 'drain').catch(() => undefined);
          await Promise.all([piped, db.query('SELECT 1')]);
        });
      }));
  });

  it('a reader that stops for longer than net_write_timeout: an error when it goes on, never a short result', () =>
    pooled({ onConnect: 'SET SESSION net_write_timeout = 1' }, async (pool) => {
      const marker = unique('given_up');
      const rows = await begin(pool.stream(`${ENDLESS} /* ${marker} */`));
      const { id } = await watcher.runner(marker);
      await eventually(async () => assert.equal(await watcher.isConnected(id), false));
      const rest = (async () => {
        for (let n = 2; ; n++) assert.equal((await rows.next()).value?.n, n);
      })();
      const code = await within(10_000, 'the error', codeOf(rest));
      assert.match(String(code), /PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE/);
    }));

  it('half read and forgotten: the end of the request takes the connection back at its drain deadline', () =>
    pooled({ max: 1, drainTimeoutMs: 50 }, async (pool) => {
      const marker = unique('forgotten');
      let forgotten: Readable | undefined;
      await pool.run(async (db) => {
        forgotten = db.stream(`${ENDLESS} /* ${marker} */`);
        forgotten.on('error', () => {});
        await begin(forgotten, 20);
      });
      await within(10_000, 'the next holder', pool.query('SELECT 1'));
      assert.equal(forgotten?.destroyed, true);
      assert.deepEqual(await watcher.running(marker), []);
    }));

  it('half read and forgotten in transaction(fn): its COMMIT waits no longer than for a reader that does nothing', () =>
    pooled({ max: 1, acquireTimeoutMs: 1_000 }, async (pool) => {
      let forgotten: Readable | undefined;
      const done = pool.transaction(async (tx) => {
        forgotten = tx.stream(ENDLESS);
        await begin(forgotten, 20);
        return 'done';
      });
      await eventually(() => assert.ok(forgotten));
      const failed = codeOf(finished(forgotten as Readable));
      assert.equal(await within(8_000, 'the transaction', done), 'done');
      assert.equal(await failed, 'SCOPE_ENDED');
    }));

  it('half read on a lease that is released: its reader is told, and the next holder gets the connection', () =>
    pooled({ max: 1, drainTimeoutMs: 50 }, async (pool) => {
      const lease = await pool.acquire();
      const stream = lease.stream(ENDLESS);
      const failed = codeOf(finished(stream));
      await begin(stream, 20);
      lease.release();
      assert.equal(await failed, 'QUERY_CANCELLED');
      assert.equal(await codeOf(lease.stream('SELECT 1').toArray()), 'LEASE_RELEASED');
      await within(10_000, 'the next holder', pool.query('SELECT 1'));
    }));

  it('INSERT … RETURNING whose reader leaves after a row is done all the same', () =>
    pooled({ max: 1 }, async (pool) => {
      const table = unique('returning');
      await pool.query(`CREATE TABLE ${table} (n INT)`);
      // The rows are many, so that they are still being inserted when the reader leaves.
      await take(pool.stream(`INSERT INTO ${table} SELECT seq FROM seq_1_to_50000 RETURNING n`), 1);
      const [rows] = await pool.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`);
      assert.equal(rows[0]?.n, 50_000);
      await pool.query(`DROP TABLE ${table}`);
    }));

  it('a procedure, and several statements in one: the rows of all results, `fields` before each, and nothing else', () =>
    pooled({ max: 1, connection: { multipleStatements: true } }, async (pool) => {
      const procedure = unique('lists');
      await pool.query(`CREATE PROCEDURE ${procedure}() BEGIN SELECT 1 AS a; SELECT 2 AS b; END`);
      for (const sql of [`CALL ${procedure}()`, 'SELECT 1 AS a; DO 0; SELECT 2 AS b']) {
        const names: string[] = [];
        const stream = pool.stream(sql);
        stream.on('fields', (fields?: { name: string }[]) => {
          if (fields) names.push(...fields.map(({ name }) => name));
        });
        assert.deepEqual(await stream.toArray(), [{ a: 1 }, { b: 2 }]);
        assert.deepEqual(names, ['a', 'b']);
      }
      assert.deepEqual(await pool.stream('SET @a = 1').toArray(), []);
      await pool.query(`DROP PROCEDURE ${procedure}`);
    }));

  it('what is destroyed while it waits for a connection leaves the queue', () =>
    pooled({ max: 1 }, async (pool) => {
      const lease = await pool.acquire();
      const stream = pool.stream(ENDLESS);
      stream.read();
      await eventually(() => assert.equal(pool.stats().pending, 1));
      stream.destroy();
      assert.equal(pool.stats().pending, 0);
      lease.release();
    }));

  it('a body that nobody can take any more: the pipeline ends the stream, and with it the statement', () =>
    pooled({ max: 1 }, async (pool) => {
      const marker = unique('body');
      const body = new PassThrough();
      const lines = new Transform({
        writableObjectMode: true,
        transform: ({ n }, _encoding, done) => done(null, `${n}\n`.repeat(1_000)),
      });
      const gone = new Gate();
      await pool.run(async (db) => {
        const piped = codeOf(pipeline(db.stream(`${ENDLESS} /* ${marker} */`), lines, body));
        body.once('readable', () => gone.open());
        await gone.opened;
        body.destroy();
        assert.equal(await piped, 'ERR_STREAM_PREMATURE_CLOSE');
        await within(10_000, 'the next statement', db.query('SELECT 1'));
      });
      assert.deepEqual(await watcher.running(marker), []);
      assert.equal(pool.stats().opened, 1);
    }));
});
