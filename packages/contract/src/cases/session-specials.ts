import { strict as assert } from 'node:assert';
import { createConnection } from 'mysql2/promise';
import { json, serve } from '../app.js';
import type { Case, Db, Handler, Row } from '../harness.js';
import { databaseUrl, unique } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { numbered, sessionObjects } from './session-objects.js';
import { answerOf, onPlainConnection, type Protocol } from './session-state.js';

// States that a statement and a look do not tell whole.

const PROTOCOLS: Protocol[] = ['query', 'execute'];
const ORDER = `INSERT INTO ${numbered} (n) VALUES (1)`;

/** BF 5C in GBK: to a server that reads utf8mb4, its second byte escapes the quote behind it. */
const INJECTION = ['縗', ', VERSION() AS hacked -- '];
const ASKED = 'SELECT ? AS a, ? AS b';

const injection: Case = {
  name: 'a request that switched to gbk does not make an injection of the next one',
  async run(harness) {
    const columns = async (db: Pick<Db, 'query'>) =>
      Object.keys((await db.query(ASKED, INJECTION))[0][0] as Row);
    const cleanedByHalf = await onPlainConnection(async (db, connection) => {
      await db.query('SET NAMES gbk');
      await connection.reset();
      return columns(db);
    });
    assert.ok(cleanedByHalf.includes('hacked'), 'no stain: the driver restores its character set by itself');
    const handlers: Record<string, Handler> = {
      query: async ({ db, reply }) => reply(200, await db.query('SET NAMES gbk')),
      execute: async ({ db, reply }) => reply(200, await db.execute('SET NAMES gbk')),
      columns: async ({ db, reply }) => reply(200, { seen: await columns(db) }),
    };
    const routes = Object.entries(handlers).map(([name, handler]) => ({ path: `/${name}`, handler }));
    await serve(harness, { routes, options: { max: 1 } }, async (app) => {
      for (const protocol of PROTOCOLS) {
        assert.equal((await app.get(`/${protocol}`)).status, 200);
        await app.handedBack();
        const { seen } = json(await app.get('/columns'));
        assert.deepEqual(seen, ['a', 'b'], `stained: the next request got the columns ${seen}`);
        await app.handedBack();
      }
    });
  },
};

const preparedXa: Case = {
  // After a reset, MariaDB refuses InnoDB tables to a session that prepared one, for as long as it lives.
  name: 'a prepared XA transaction: the next request is not in it, and can use tables',
  async run(harness) {
    await sessionObjects();
    const xid = unique('handback_test_xa');
    const work = [`XA START '${xid}'`, ORDER, `XA END '${xid}'`, `XA PREPARE '${xid}'`];
    const prepare: Handler = async ({ db, reply }) => {
      for (const sql of work) await db.query(sql);
      reply(200, {});
    };
    const look = async (db: Db) => [
      await answerOf(db, 'query', ORDER),
      await answerOf(db, 'query', 'START TRANSACTION'),
    ];
    const calibrated = await onPlainConnection(async (db) => {
      for (const sql of work) await db.query(sql);
      return look(db);
    });
    assert.deepEqual(calibrated, ['ER_XAER_RMFAIL', 'ER_XAER_RMFAIL'], 'no stain');
    await rollBackXa(xid);
    const routes: Array<{ path: string; handler: Handler }> = [
      { path: '/prepare', handler: prepare },
      { path: '/look', handler: async ({ db, reply }) => reply(200, { seen: await look(db) }) },
    ];
    try {
      await serve(harness, { routes, options: { max: 1 } }, async (app) => {
        assert.equal((await app.get('/prepare')).status, 200);
        await app.handedBack();
        const { seen } = json(await app.get('/look'));
        assert.deepEqual(seen, ['done', 'done'], `stained: the next request got ${JSON.stringify(seen)}`);
      });
    } finally {
      await rollBackXa(xid);
    }
  },
};

/**
 * The server keeps what was prepared for whoever recovers it. To be called when the session that prepared it is
 * closed: while one lives that was reset after PREPARE, MariaDB says yes here and keeps the row locks until its
 * own restart.
 */
async function rollBackXa(xid: string): Promise<void> {
  const connection = await createConnection(databaseUrl());
  await eventually(() => connection.query(`XA ROLLBACK '${xid}'`)).finally(() => connection.end());
}

export const sessionSpecials: Case[] = [injection, preparedXa];
