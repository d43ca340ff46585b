import { strict as assert } from 'node:assert';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { codeOf, connectionId, json, serve } from '../app.js';
import type { Case, Handler } from '../harness.js';
import { databaseUrl, unique } from '../support/database.js';
import { Gate } from '../support/eventually.js';

/** A table to write into, and what is in it when all is over. */
async function withTable(
  work: (table: string, rows: () => Promise<number[]>) => Promise<void>,
): Promise<void> {
  const table = unique('written');
  const connection = await createConnection(databaseUrl());
  try {
    await connection.query(`CREATE TABLE ${table} (n INT) ENGINE=InnoDB`);
    await work(table, async () => {
      const [rows] = await connection.query<RowDataPacket[]>(`SELECT n FROM ${table} ORDER BY n`);
      return rows.map(({ n }) => n as number);
    });
  } finally {
    await connection.query(`DROP TABLE IF EXISTS ${table}`);
    await connection.end();
  }
}

const inTransaction: Case = {
  name: 'in a transaction: TRANSACTION_ROLLED_BACK until rollback(), and nothing is sent again',
  run: (harness) =>
    withTable((table, rows) => {
      const begun = new Gate<number>();
      const goOn = new Gate();
      const handler: Handler = async ({ db, reply }) => {
        await db.beginTransaction();
        await db.query(`INSERT INTO ${table} VALUES (1)`);
        begun.open(await connectionId(db));
        await goOn.opened;
        const lost = [
          await codeOf(db.query(`INSERT INTO ${table} VALUES (2)`)),
          await codeOf(db.query('SELECT 1')),
          await codeOf(db.commit()),
        ];
        await db.rollback();
        await db.query(`INSERT INTO ${table} VALUES (3)`);
        reply(200, { lost });
      };
      return serve(harness, { routes: [{ path: '/transfer', handler }] }, async (app) => {
        const answer = app.get('/transfer');
        const id = await begun.opened;
        await app.watcher.disconnect(id);
        await app.eventually(async () => assert.ok(!(await app.watcher.isConnected(id))));
        goOn.open();
        assert.deepEqual(json(await answer).lost, Array(3).fill('TRANSACTION_ROLLED_BACK'));
        assert.deepEqual(await rows(), [3]);
      });
    }),
};

const sentAndLost: Case = {
  name: 'a statement that was sent is not sent again: its error is the caller’s',
  run: (harness) =>
    withTable((table, rows) => {
      const insert = `INSERT INTO ${table} SELECT SLEEP(60)`;
      const handler: Handler = async ({ db, reply }) => {
        reply(200, { code: await codeOf(db.query(insert)), id: await connectionId(db) });
      };
      return serve(harness, { routes: [{ path: '/insert', handler }] }, async (app) => {
        const answer = app.get('/insert');
        const { id } = await app.eventually(() => app.watcher.runner(insert));
        await app.watcher.disconnect(id);
        const { code, id: next } = json(await answer);
        assert.equal(code, 'PROTOCOL_CONNECTION_LOST');
        assert.notEqual(next, id);
        assert.deepEqual(await app.watcher.running(insert), []);
        assert.deepEqual(await rows(), []);
      });
    }),
};

export const lostConnections: Case[] = [inTransaction, sentAndLost];
