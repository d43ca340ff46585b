import { strict as assert } from 'node:assert';
import { databaseUrl } from '@handback/contract/support/database.js';
import { createPool, type PoolOptions } from '@handback/core';
import fc from 'fast-check';
import mysql, { type RowDataPacket } from 'mysql2';

const ATTACKS = [
  "\\' OR 1=1 -- ",
  "' OR ''='",
  '\\',
  "\\\\'",
  '" OR ""="',
  "\\'",
  '\0\b\n\r\t\x1a%_',
  "''",
  '`',
];
/** Of what matters to quoting, and some that does not. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('\\', "'", '"', '`', '?', ':', 'a', '-', ' ', '\n', '\0', 'ħ', '😀') }),
  fc.constantFrom(...ATTACKS),
);

async function withMode(
  mode: string,
  options: PoolOptions,
  work: Parameters<typeof run>[1],
): Promise<string[]> {
  return run({ onConnect: `SET SESSION sql_mode = '${mode}'`, ...options }, work);
}

async function run(
  options: PoolOptions,
  work: (pool: ReturnType<typeof createPool>) => Promise<void>,
): Promise<string[]> {
  const pool = createPool({ uri: databaseUrl(), max: 1, ...options });
  const codes: string[] = [];
  pool.events.on('warning', ({ code }) => codes.push(code));
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
  return codes;
}

async function readBack(asked: Promise<[RowDataPacket[], unknown]>): Promise<unknown> {
  return (await asked)[0][0]?.value;
}

describe('sql_mode and the escaping of values', () => {
  for (const mode of ['', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES']) {
    it(`${mode || 'none'}: any text arrives as it was given, whichever way it goes`, () =>
      withMode(mode, {}, (pool) =>
        pool.run(async (db) => {
          await fc.assert(
            fc.asyncProperty(text, text, async (value, other) => {
              const sql = 'SELECT ? AS value, ? AS other';
              const named = { sql: 'SELECT :a AS value', namedPlaceholders: true };
              assert.equal(await readBack(db.query(sql, [value, other])), value);
              assert.equal(await readBack(db.query({ sql, values: [value, other] })), value);
              assert.equal(await readBack(db.query(named, { a: value })), value);
              assert.equal(await readBack(db.execute('SELECT ? AS value', [value])), value);
              assert.equal((await db.stream(sql, [value, other]).toArray())[0].value, value);
              const [[row]] = await db.query<RowDataPacket[]>(
                'SELECT 1 AS one WHERE CAST(? AS BINARY) IN (?)',
                [value, [other, 1]],
              );
              assert.equal(row !== undefined, value === other);
            }),
            { numRuns: 60 },
          );
        }),
      )).timeout(60_000);
  }

  it('the driver alone lets such a text end its literal: this is what is prevented', () =>
    withMode('NO_BACKSLASH_ESCAPES', {}, async (pool) => {
      const attack = "\\' OR 1=1 -- ";
      const broken = mysql.format('SELECT 1 AS one WHERE 2 = ?', [attack]).replaceAll('?', '');
      assert.equal(((await pool.query<RowDataPacket[]>(broken))[0] as unknown[]).length, 1);
      const [rows] = await pool.query<RowDataPacket[]>('SELECT 1 AS one WHERE 2 = ?', [attack]);
      assert.deepEqual(rows, []);
    }));

  it('turned on, and off, in the middle of a request: the next statement knows', () =>
    run({}, (pool) =>
      pool.run(async (db) => {
        for (const mode of ['NO_BACKSLASH_ESCAPES', '', 'NO_BACKSLASH_ESCAPES', '']) {
          await db.query(`SET SESSION sql_mode = '${mode}'`);
          for (const attack of ATTACKS)
            assert.equal(await readBack(db.query('SELECT ? AS value', [attack])), attack);
        }
      }),
    ));

  it('it is warned of once, for the sake of format() and escape()', async () => {
    const work = async (pool: ReturnType<typeof createPool>) => {
      await Promise.all(Array.from({ length: 3 }, () => pool.query('SELECT SLEEP(0.01)')));
    };
    assert.deepEqual(await withMode('NO_BACKSLASH_ESCAPES', { max: 3 }, work), ['UNSAFE_SETTING']);
    assert.deepEqual(await withMode('ANSI_QUOTES', { max: 3 }, work), []);
  });

  it("a list is refused behind ESCAPE '\\', where its placeholder seems to stand in a literal", () =>
    withMode('NO_BACKSLASH_ESCAPES', {}, async (pool) => {
      const sql = "SELECT 1 WHERE 'a' LIKE ? ESCAPE '\\' AND 2 = ?";
      assert.deepEqual((await pool.query(sql, ['b', 2]))[0], []);
      await assert.rejects(pool.query(sql, ['a', ['x', 'y']]), { code: 'UNSAFE_PARAMETER' });
    }));

  it('other options of the statement and the connection stay what they are', () =>
    withMode('NO_BACKSLASH_ESCAPES', { uri: `${databaseUrl()}?namedPlaceholders=true` }, async (pool) => {
      const [rows] = await pool.query({ sql: "SELECT :a AS a, '\\' AS b", rowsAsArray: true }, { a: "\\'" });
      assert.deepEqual(rows, [["\\'", '\\']]);
      const [plain] = await pool.query<RowDataPacket[]>("SELECT ':b' AS a");
      assert.equal(plain[0]?.a, ':b');
    }));
});
