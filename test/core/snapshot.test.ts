import assert from 'node:assert/strict';
import fc from 'fast-check';
import mysql from 'mysql2';
import { snapshot } from '#core/snapshot.js';

/** Objects without a prototype have no text. */
function formatted(sql: string, values: unknown): string {
  try {
    return mysql.format(sql, values as never);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the values of a statement, as they are at its call', () => {
  it('are what they were, whatever becomes of the originals', () => {
    const date = new Date(1);
    const buffer = Buffer.from('a');
    const row = [1, date];
    const object = { n: 1, row };
    const values = ['x', row, buffer, object, new Set([row]), new Map([['k', row]])];
    const before = mysql.format('?, ?, ?, SET ?, ?, SET ?', values as never);
    const copy = snapshot(values) as never;
    row[0] = 2;
    date.setTime(2);
    buffer.fill('b');
    object.n = 2;
    values.length = 0;
    assert.equal(mysql.format('?, ?, ?, SET ?, ?, SET ?', copy), before);
  });

  it('are formatted as the originals', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.bigInt(),
      // Invalid ones are not equal to themselves.
      fc.date({ noInvalidDate: true }),
      fc.uint8Array(),
      fc.constant(null),
    );
    const value = fc.oneof(
      scalar,
      fc.object({ values: [scalar], withNullPrototype: true, withMap: true, withSet: true, maxDepth: 3 }),
      fc.array(fc.array(scalar)),
      fc.dictionary(fc.constantFrom('a', '__proto__', 'constructor', 'toString'), scalar),
    );
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const sql = `SET ?, ${'?, '.repeat(values.length)}`;
        assert.deepStrictEqual(snapshot(values), values);
        assert.equal(formatted(sql, snapshot(values)), formatted(sql, values));
      }),
    );
  });

  it('keep what only the original can say: raw SQL, chosen columns, instances of classes', () => {
    class Money {
      readonly #amount = 5;
      toString() {
        return `${this.#amount} EUR`;
      }
    }
    const chosen = { [Symbol.for('sql-escaper.expand')]: true, value: { a: 1 } };
    const values = [[mysql.raw('NOW()')], new Money(), chosen];
    assert.equal(mysql.format('?, ?, ?', snapshot(values) as never), "NOW(), '5 EUR', `a` = 1");
  });

  it('are read once: a getter has no second answer', () => {
    let reads = 0;
    const copy = snapshot([
      {
        get a() {
          return ++reads;
        },
      },
    ]) as [{ a: number }];
    assert.deepEqual([copy[0].a, copy[0].a, reads], [1, 1, 1]);
  });

  it('may hold themselves, or be nested without end', () => {
    const round: unknown[] = [];
    round.push(round, { round });
    const [inner] = snapshot(round) as [unknown];
    assert.equal((inner as unknown[])[0], inner);
    let deep: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    assert.ok(Array.isArray(snapshot(deep)));
  });
});
