import assert from 'node:assert/strict';
import type { ServerFacts } from '#core/driver.js';
import { contradictions, idleLimitMs, readSchemaReach, readServerFacts } from '#core/server-facts.js';

function facts(changes: Partial<ServerFacts> = {}): ServerFacts {
  return {
    version: '10.11.19-MariaDB',
    isMariaDb: true,
    waitTimeoutMs: 28_800_000,
    interactiveTimeoutMs: 28_800_000,
    maxConnections: 151,
    maxUserConnections: 0,
    port: 3306,
    sqlMode: '',
    ...changes,
  };
}

const SETTINGS = { max: 10, idleTimeoutMs: 300_000, name: 'shop' };

describe('how long a connection may lie unused', () => {
  for (const [waitS, idleTimeoutMs, limit] of [
    [28_800, 300_000, 300_000],
    [28_800, 0, 28_755_000],
    [100, 300_000, 55_000],
    [60, 300_000, 15_000],
    [50, 300_000, 12_500],
    [1, 300_000, 250],
    [60, 10_000, 10_000],
    [60, 0, 15_000],
  ] as const) {
    it(`wait_timeout ${waitS} s, idleTimeoutMs ${idleTimeoutMs}: ${limit} ms`, () => {
      assert.equal(idleLimitMs(facts({ waitTimeoutMs: waitS * 1_000 }), idleTimeoutMs), limit);
    });
  }
});

describe('options that contradict the server', () => {
  it('none by default', () => {
    assert.deepEqual(contradictions(facts(), SETTINGS), []);
    assert.deepEqual(contradictions(facts({ waitTimeoutMs: 60_000 }), { ...SETTINGS, idleTimeoutMs: 0 }), []);
    assert.deepEqual(contradictions(facts(), { ...SETTINGS, max: 150 }), []);
  });

  it('an idleTimeoutMs that the server would not wait for, with what is used instead', () => {
    assert.deepEqual(contradictions(facts({ waitTimeoutMs: 120_000 }), SETTINGS), [
      'idleTimeoutMs 300000 > 120000 - 45000 = 75000 ms, the most that wait_timeout 120 s leaves; 75000 ms is used instead',
    ]);
    assert.deepEqual(contradictions(facts({ waitTimeoutMs: 20_000 }), SETTINGS), [
      'idleTimeoutMs 300000 > 25 % of 20000 = 5000 ms, the most that wait_timeout 20 s leaves; 5000 ms is used instead',
    ]);
  });

  it('more connections than the server allows', () => {
    assert.deepEqual(contradictions(facts(), { ...SETTINGS, max: 200 }), [
      'max 200 + 1 control connection = 201 > max_connections 151 of the server; lower max to 150 or raise max_connections',
    ]);
    assert.equal(contradictions(facts(), { ...SETTINGS, max: 151 }).length, 1);
  });

  it('more than the account may have, where that is less', () => {
    assert.deepEqual(contradictions(facts({ maxUserConnections: 5 }), SETTINGS), [
      'max 10 + 1 control connection = 11 > max_user_connections 5 of the account; lower max to 4 or raise max_user_connections',
    ]);
    assert.match(
      String(contradictions(facts({ maxUserConnections: 500 }), { ...SETTINGS, max: 200 })),
      /max_connections 151/,
    );
  });

  it('both at once are two sentences', () => {
    assert.equal(contradictions(facts({ waitTimeoutMs: 60_000 }), { ...SETTINGS, max: 200 }).length, 2);
  });
});

/** Answers like a server: by what a statement asks for. */
function answering(answers: [about: RegExp, rows: Record<string, unknown>[] | Error][]) {
  const asked: string[] = [];
  const ask = async (sql: string) => {
    asked.push(sql);
    const rows = answers.find(([about]) => about.test(sql))?.[1] ?? [];
    if (rows instanceof Error) throw rows;
    return rows;
  };
  return { asked, ask };
}

const MARIADB = { version: '10.11.19-MariaDB', defaultSchema: 'app', sqlMode: '' };
const MYSQL = { ...MARIADB, version: '8.4.3' };

describe('asking the server', () => {
  it('reads the facts in one round trip, from text and numbers alike', async () => {
    const { ask, asked } = answering([
      [
        /VERSION/,
        [
          {
            version: '8.4.3',
            waitTimeout: '60',
            interactiveTimeout: 28_800,
            maxConnections: 151n,
            maxUserConnections: '0',
            port: 3306,
          },
        ],
      ],
    ]);
    assert.deepEqual(
      await readServerFacts(ask),
      facts({ version: '8.4.3', isMariaDb: false, waitTimeoutMs: 60_000 }),
    );
    assert.equal(asked.length, 1);
  });

  it('bounds what reads the schema to a second, as the server wants it said', async () => {
    for (const [session, bound, roundTrips] of [
      [MARIADB, /^SET STATEMENT max_statement_time = 1 FOR SELECT /, 6],
      [MYSQL, /^SELECT \/\*\+ MAX_EXECUTION_TIME\(1000\) \*\/ /, 5],
    ] as const) {
      const { ask, asked } = answering([[/VERSION/, [session]]]);
      await readSchemaReach(ask);
      const unbounded = asked.filter((sql) => /information_schema/.test(sql) && !bound.test(sql));
      assert.deepEqual([unbounded, asked.length], [[], roundTrips]);
    }
  });

  it('does without the defaults of columns where they take too long to read, not where the connection is lost', async () => {
    const refusing = (error: Error) =>
      answering([
        [/VERSION/, [MARIADB]],
        [/COLUMN_DEFAULT/, error],
      ]).ask;
    const tooLong = Object.assign(new Error('interrupted'), { errno: 1969, sqlState: '70100' });
    const reach = await readSchemaReach(refusing(tooLong));
    assert.equal(reach.reached('SELECT 1', true, false), null);
    await assert.rejects(readSchemaReach(refusing(new Error('lost'))), /lost/);
  });

  it('passes on the sql_mode and the default schema', async () => {
    const { ask } = answering([[/VERSION/, [{ ...MARIADB, defaultSchema: null, sqlMode: 'ORACLE' }]]]);
    const reach = await readSchemaReach(ask);
    assert.match(String(reach.reached('SELECT 1', true, false)), /ORACLE/);
    assert.equal(reach.blind, null);
  });

  it('takes everything for hidden when the grants can not be asked', async () => {
    const { ask } = answering([
      [/VERSION/, [MYSQL]],
      [/GRANTS/, new Error('there is no such grant')],
    ]);
    assert.match(String((await readSchemaReach(ask)).blind), /`app`/);
  });

  it('fails when the schema can not be read, so that nothing is taken for harmless', async () => {
    for (const about of [/SCHEMATA/, /TRIGGERS\s+WHERE EVENT/, /VIEWS/]) {
      const { ask } = answering([
        [about, new Error('max_statement_time exceeded')],
        [/VERSION/, [MARIADB]],
      ]);
      await assert.rejects(readSchemaReach(ask), /max_statement_time exceeded/);
    }
  });

  it('believes that writers see triggers of MariaDB only', async () => {
    for (const [session, blind] of [
      [MARIADB, false],
      [MYSQL, true],
    ] as const) {
      const { ask } = answering([
        [/VERSION/, [session]],
        [/SCHEMATA/, [{ name: 'app', hidesText: 'YES' }]],
      ]);
      assert.equal((await readSchemaReach(ask)).blind !== null, blind);
    }
  });
});
