import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPool, type Scope } from '@handback/core';
import type { RowDataPacket } from 'mysql2';

type Send = (db: Scope, value: readonly unknown[]) => Promise<unknown>;

const SQL = 'SELECT ? AS a';

/** Statements that wait: for a connection, for those before them, for a first reader. */
const WAYS: Readonly<Record<string, Send>> = {
  query: async (db, values) => (await db.query(SQL, values as never))[0],
  options: async (db, values) => (await db.query({ sql: SQL, values: values as never }))[0],
  execute: async (db, values) => (await db.execute(SQL, values as never))[0],
  stream: async (db, values) => db.stream(SQL, values as never).toArray(),
};

async function inOneRequest<T>(work: (db: Scope) => Promise<T>): Promise<T> {
  const pool = createPool({ uri: databaseUrl(), max: 1 });
  try {
    return await pool.run(work);
  } finally {
    await pool.close();
  }
}

describe('the values that a statement is sent with', () => {
  for (const [name, send] of Object.entries(WAYS)) {
    it(`are those of its call, when the caller goes on filling the same array: ${name}`, () =>
      inOneRequest(async (db) => {
        const values = [0];
        const answers = [0, 1, 2].map((n) => {
          values[0] = n;
          return send(db, values);
        });
        const rows = (await Promise.all(answers)) as RowDataPacket[][];
        assert.deepEqual(
          rows.map(([row]) => Number(row?.a)),
          [0, 1, 2],
        );
      }));
  }

  it('are those that were checked, although the caller has put an object in their place since', () =>
    inOneRequest(async (db) => {
      const values: unknown[] = ['x'];
      const answer = db.query<RowDataPacket[]>(SQL, values as never);
      values[0] = ["x', 1 AS hacked, '"];
      assert.deepEqual((await answer)[0], [{ a: 'x' }]);
    }));
});

describe('named placeholders in comments and quoted names', () => {
  const GIVEN = { id: 'ID', owner: 'OWNER' };
  const ask = (db: Scope, sql: string) => db.query({ sql, namedPlaceholders: true }, GIVEN as never);

  for (const sql of [
    'SELECT /* of :owner */ :id AS id, :owner AS owner',
    'SELECT :id AS id, -- since 12:30\n :owner AS owner',
    'SELECT :id AS `x:id`, :owner AS owner',
  ]) {
    it(`are refused, since the driver would shift the values behind them: ${JSON.stringify(sql)}`, () =>
      inOneRequest(async (db) => {
        await assert.rejects(ask(db, sql), { code: 'UNSAFE_PARAMETER' });
        const prepared = db.execute({ sql, namedPlaceholders: true }, GIVEN as never);
        await assert.rejects(prepared, { code: 'UNSAFE_PARAMETER' });
      }));
  }

  it('do no harm behind the last one, or in a text', () =>
    inOneRequest(async (db) => {
      const [rows] = await ask(db, "SELECT ':id' AS a, :id AS id, :owner AS owner -- since 12:30");
      assert.deepEqual(rows, [{ a: ':id', ...GIVEN }]);
    }));
});

describe('an instance of a class that a client has given a length', () => {
  it('is not read as that many bytes by a prepared statement, but refused', () =>
    inOneRequest(async (db) => {
      class Body {
        readonly length = 2_000_000_000;
      }
      await assert.rejects(db.execute(SQL, [new Body()] as never), { code: 'UNSAFE_PARAMETER' });
      assert.deepEqual((await db.execute(SQL, [new String('text')] as never))[0], [{ a: 'text' }]);
    }));
});
