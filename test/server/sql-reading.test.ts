import assert from 'node:assert/strict';
import { unique } from '@handback/contract/support/database.js';
import fc from 'fast-check';
import { type Leftovers, readSql } from '#core/sql.js';
import {
  ASKING_EXPRESSIONS,
  ASKING_STATEMENTS,
  DANGEROUS_STATEMENTS,
  dangerousExpressions,
  harmlessStatement,
  statement,
} from './generated-sql.js';
import { type Findings, SessionTruth } from './session-truth.js';

const MODES = [
  '',
  'IGNORE_SPACE',
  'ANSI_QUOTES',
  'NO_BACKSLASH_ESCAPES',
  'PIPES_AS_CONCAT',
  'ANSI',
  'ORACLE',
];
const mode = fc.constantFrom(...MODES);
const schema = unique('handback_test_reading');
const dangerous = dangerousExpressions(schema);
const changing = statement(dangerous, DANGEROUS_STATEMENTS);
const asking = statement(ASKING_EXPRESSIONS, ASKING_STATEMENTS);

/** For each kind of leftover: statements after which two sessions differ in nothing else. */
const DIFFERENT: Readonly<Record<keyof Leftovers, readonly [string, string]>> = {
  insertId: ['SELECT LAST_INSERT_ID(111)', 'SELECT LAST_INSERT_ID(222)'],
  warnings: ["SELECT CAST('a' AS INT)", "SELECT CAST('a' AS INT) + CAST('b' AS INT)"],
  counts: ['SELECT 1 UNION ALL SELECT 1', 'SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1'],
};
const KINDS = Object.keys(DIFFERENT) as (keyof Leftovers)[];

/** Their result differs from run to run, or they write, so that the second run finds other rows. */
const NOT_COMPARABLE = /\b(?:now|connection_id|insert|update|delete|replace|nextval|next\s+value|explain)\b/i;

/** Many at once: what each leaves adds up, and one look tells. */
function many(statements: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  return fc.array(statements, { minLength: 1, maxLength: 200, size: 'max' });
}

/** A reading that calls everything dangerous would make nothing of the properties below. */
function assertEnough(count: number, least: number): void {
  assert.ok(count >= least, `only ${count} statements, less than ${least}, were of use`);
}

describe('what is read in a statement is true on the server', function () {
  this.timeout(120_000);
  const truth = new SessionTruth(schema);
  const untouched = new Map<string, Findings>();
  let succeeded = 0;

  before(async () => {
    await truth.createSchema();
    for (const each of MODES) {
      await truth.fresh(each);
      untouched.set(each, await truth.look());
    }
  });

  beforeEach(() => {
    succeeded = 0;
  });

  after(async () => {
    await truth.dropSchema();
  });

  /** Runs the statements in one session, and compares it with one in which nothing ran. */
  async function assertUntouchedBy(statements: readonly string[], sqlMode: string): Promise<void> {
    await truth.fresh(sqlMode);
    try {
      for (const sql of statements) {
        if (typeof (await truth.run(sql)) === 'object') succeeded++;
      }
      assert.deepEqual(await truth.look(), untouched.get(sqlMode));
    } catch (error) {
      await truth.discard();
      throw error;
    }
  }

  for (const sql of [...dangerous.map((x) => `SELECT ${x}`), ...DANGEROUS_STATEMENTS]) {
    it(`the probes see what this changes: ${JSON.stringify(sql.replace(schema, 'schema'))}`, async () => {
      const changed: string[] = [];
      for (const sqlMode of ['', 'ANSI_QUOTES']) {
        await truth.fresh(sqlMode);
        await truth.run(sql);
        const found = await truth.look();
        const before = untouched.get(sqlMode);
        changed.push(...Object.keys(found).filter((probe) => found[probe] !== before?.[probe]));
        await truth.discard();
      }
      assert.notDeepEqual(changed, []);
    });
  }

  it('a plain statement changes nothing, whatever it looks like', async () => {
    const property = fc.asyncProperty(many(changing), mode, (statements, sqlMode) =>
      assertUntouchedBy(
        statements.filter((sql) => readSql(sql).plain),
        sqlMode,
      ),
    );
    await fc.assert(property, { numRuns: 300 });

    assertEnough(succeeded, 800);
  });

  it('a statement that only reads runs no trigger', async () => {
    const watched = changing.map((sql) => sql.replaceAll('fuzz_rows', 'fuzz_watched'));
    const property = fc.asyncProperty(many(watched), mode, (statements, sqlMode) =>
      assertUntouchedBy(
        statements.filter((sql) => readSql(sql).onlyReads),
        sqlMode,
      ),
    );
    await fc.assert(property, { numRuns: 100 });

    assertEnough(succeeded, 300);
  });

  it('what does not ask for the leftovers of earlier statements does not tell of them', async () => {
    let compared = 0;
    const property = fc.asyncProperty(
      fc.array(asking, { minLength: 1 }),
      mode,
      async (statements, sqlMode) => {
        for (const sql of statements.filter((each) => !NOT_COMPARABLE.test(each))) {
          const { reads } = readSql(sql);
          for (const kind of KINDS.filter((each) => !reads[each])) {
            const results: unknown[] = [];
            for (const before of DIFFERENT[kind]) {
              await truth.fresh(sqlMode);
              await truth.run(before);
              results.push(await truth.run(sql));
            }
            assert.deepEqual(results[0], results[1], `${kind}: ${sql}`);
            if (Array.isArray(results[0])) compared++;
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 250 });

    assertEnough(compared, 150);
  });

  for (const sql of [...ASKING_EXPRESSIONS.map((x) => `SELECT ${x}`), ...ASKING_STATEMENTS]) {
    it(`asks for leftovers: ${sql}`, () => {
      assert.ok(Object.values(readSql(sql).reads).some(Boolean));
    });
  }

  it('everyday statements are plain', () => {
    const statements = fc.sample(harmlessStatement, 1_000);
    const plain = statements.filter((sql) => readSql(sql).plain);
    assertEnough(plain.length, 700);
  });
});
