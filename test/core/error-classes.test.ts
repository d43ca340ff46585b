import assert from 'node:assert/strict';
import {
  classify,
  type ErrorClass,
  type ErrorFacts,
  openFailureOf,
  suspicionOf,
  unusableAfter,
} from '#core/error-classes.js';
import { connectError, serverError } from './fake-server.js';
import { TestPool, track } from './fixture.js';

/** Of a statement that sets a connection up. */
const UNLUCKY = [1317, 1213, 1205, 1969, 3024];

type Means = { keeps: boolean; suspicion: string; opening: string };

const MEANING: Record<ErrorClass, Means> = {
  data: { keeps: true, suspicion: 'none', opening: 'lasting' },
  deadlock: { keeps: true, suspicion: 'none', opening: 'lasting' },
  statement: { keeps: true, suspicion: 'none', opening: 'lasting' },
  lost: { keeps: false, suspicion: 'distrust', opening: 'passing' },
  unusable: { keeps: false, suspicion: 'none', opening: 'lasting' },
  'not-ready': { keeps: false, suspicion: 'clear', opening: 'passing' },
  demoted: { keeps: false, suspicion: 'clear', opening: 'lasting' },
  full: { keeps: true, suspicion: 'none', opening: 'full' },
  refused: { keeps: true, suspicion: 'none', opening: 'lasting' },
  blocked: { keeps: true, suspicion: 'none', opening: 'blocked' },
  unreachable: { keeps: false, suspicion: 'distrust', opening: 'passing' },
};

const EXAMPLES: [ErrorClass, ErrorFacts[]][] = [
  ['data', [1062, 1451, 1452, 1406, 1264, 1048, 1366, 1292, 3819, 4025].map((errno) => ({ errno }))],
  ['deadlock', [{ errno: 1213 }]],
  ['statement', [{ errno: 1064 }, { errno: 1205 }, { errno: 1146 }, { errno: 1317 }, { errno: 1020 }, {}]],
  [
    'lost',
    [
      ...[2006, 2013, 2014, 2045, 2055, 1927, 4031, 1159].map((errno) => ({ errno })),
      ...['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_UNEXPECTED_PACKET'].map((code) => ({
        code,
        fatal: true,
      })),
      { fatal: true },
      // A socket's errno is negative, and no error of the server.
      { code: 'ECONNRESET', errno: -104, fatal: true },
    ],
  ],
  ['unusable', [{ errno: 1153 }, { errno: 1290, message: '--secure-file-priv' }]],
  ['not-ready', [1047, 1053, 1077, 1079].map((errno) => ({ errno, fatal: true }))],
  [
    'demoted',
    [
      { errno: 1836 },
      { errno: 1792 },
      { errno: 1290, message: 'running with the --read-only option' },
      { errno: 1290, message: 'running with the --super-read-only option' },
      { errno: 1290, message: 'running with the --read_only option' },
    ],
  ],
  ['full', [1040, 1203, 1226].map((errno) => ({ errno, fatal: true }))],
  ['blocked', [{ errno: 1129, fatal: true }]],
  ['refused', [1044, 1045, 1049, 1130, 1524, 1698].map((errno) => ({ errno, fatal: true }))],
  [
    'unreachable',
    ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EAI_AGAIN'].map((code) => ({
      code,
      fatal: true,
    })),
  ],
];

describe('what an error means', () => {
  for (const [of, examples] of EXAMPLES) {
    for (const facts of examples) {
      it(`${JSON.stringify(facts)}: ${of}`, () => assert.equal(classify(facts), of));
    }
  }

  for (const [of, { keeps, suspicion }] of Object.entries(MEANING) as [ErrorClass, Means][]) {
    it(`${of}: the connection is ${keeps ? '' : 'not '}kept; about others: ${suspicion}`, () => {
      assert.deepEqual([unusableAfter(of) === null, suspicionOf(of)], [keeps, suspicion]);
    });
  }

  for (const [of, examples] of EXAMPLES) {
    it(`${of}, of an attempt to open: ${MEANING[of].opening}`, () => {
      for (const facts of examples) {
        // Of an attempt to open every failure is fatal, which says nothing about how long it lasts.
        if (facts.code === undefined && facts.errno === undefined) continue;
        if (UNLUCKY.includes(facts.errno ?? 0)) continue;
        assert.equal(openFailureOf({ ...facts, fatal: true }), MEANING[of].opening, JSON.stringify(facts));
      }
    });
  }

  it('of an attempt to open, what was killed, or too late for a lock or a limit, passes', () => {
    for (const errno of UNLUCKY) assert.equal(openFailureOf({ errno, fatal: true }), 'passing', `${errno}`);
  });

  it('a KILL that hits onConnect fails nobody: the next attempt serves', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SELECT ready' });
    let killed = 0;
    test.driver.reply = (sql) => (sql === 'SELECT ready' && killed++ === 0 ? serverError(1317) : undefined);
    const query = track(test.pool.query('SELECT 1'));
    await test.clock.advance(1_000);
    assert.equal(query.state, 'fulfilled');
    assert.equal(test.told('openFailed').length, 1);
  });

  it('a connection that is lost while it is set up fails nobody: the next attempt serves', async () => {
    const test = new TestPool({ max: 1, onConnect: 'SELECT ready' });
    const closed = Object.assign(new Error("Can't add new command when connection is in closed state"), {
      fatal: true,
    });
    let lost = 0;
    test.driver.reply = (sql) => (sql === 'SELECT ready' && lost++ === 0 ? closed : undefined);
    const query = track(test.pool.query('SELECT 1'));
    await test.clock.advance(1_000);
    assert.equal(query.state, 'fulfilled');
    assert.equal(test.told('openFailed').length, 1);
  });

  it('of an attempt to open, what is fatal and nothing else lasts: a refused certificate', () => {
    assert.equal(openFailureOf({ fatal: true, message: 'self-signed certificate' }), 'lasting');
  });

  it('1792 in a transaction that was begun READ ONLY says nothing about the server', () => {
    assert.equal(classify({ errno: 1792 }, true), 'unusable');
  });
});

describe('a server without room', () => {
  for (const [errno, code] of [
    [1040, 'ER_CON_COUNT_ERROR'],
    [1203, 'ER_TOO_MANY_USER_CONNECTIONS'],
    [1226, 'ER_USER_LIMIT_REACHED'],
  ] as const) {
    it(`${errno}: waiters are served by what is there, and it is left alone for a while`, async () => {
      const test = new TestPool({ max: 5, acquireTimeoutMs: 10_000 });
      const held = await test.pool.acquire();
      test.driver.refuse(code, errno);
      const waiting = [1, 2, 3].map(() => track(test.pool.acquire()));
      await test.clock.advance(1_900);
      const attempts = test.driver.opens.length;
      assert.ok(attempts <= 3, `${attempts} attempts`);
      for (let lease = held, n = 0; n < 3; n++) {
        lease.release();
        await test.clock.settle();
        assert.equal(waiting[n]?.value.threadId, held.threadId);
        lease = waiting[n]?.value ?? lease;
      }
      assert.deepEqual([test.stats().timedOut, test.stats().evicted.stale], [0, 0], 'nothing is thrown away');
    });
  }

  it('is warned of once, with its limits and what the pool has', async () => {
    const test = new TestPool({ max: 5, acquireTimeoutMs: 60_000 });
    const held = await test.pool.acquire();
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    await test.clock.advance(20_000);
    const warnings = test.told('warning').filter(({ code }) => code === 'NO_ROOM');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]?.message ?? '', /max_connections 151.*The pool has 1 of at most 5/);
    held.release();
  });

  it('is warned of without its limits behind a proxy: they are not those of the proxy', async () => {
    const test = new TestPool({ max: 5, acquireTimeoutMs: 60_000, behindProxy: true });
    await test.pool.acquire();
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    await test.clock.settle();
    const [warning] = test.told('warning').filter(({ code }) => code === 'NO_ROOM');
    assert.match(warning?.message ?? '', /; its limits are not known\)\. The pool has 1 of at most 5/);
    assert.doesNotMatch(warning?.message ?? '', /max_connections/);
  });

  it('with no connection at all: they wait, within their deadline, and are served when there is room', async () => {
    const test = new TestPool({ max: 2, acquireTimeoutMs: 5_000 });
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    const [first, second] = [track(test.pool.acquire()), track(test.pool.acquire({ timeoutMs: 1_500 }))];
    await test.clock.advance(1_499);
    assert.deepEqual([first.state, second.state], ['pending', 'pending']);
    await test.clock.advance(1);
    assert.equal(second.code, 'OPEN_FAILED');
    assert.match(String(second.error.cause), /ER_CON_COUNT_ERROR/);
    test.driver.accept();
    await test.clock.advance(1_000);
    assert.equal(first.state, 'fulfilled');
  });

  it('stays without, when an attempt that was under way got the last place: it is told, and left alone', async () => {
    const test = new TestPool({ max: 5, maxOpening: 2, acquireTimeoutMs: 60_000 });
    test.driver.hang();
    const waiting = [track(test.pool.acquire()), track(test.pool.acquire())];
    await test.clock.settle();
    const [refused, last] = test.driver.opens;
    refused?.fail(connectError('ER_USER_LIMIT_REACHED', 1226));
    await test.clock.advance(100);
    last?.succeed();
    await test.clock.settle();
    assert.deepEqual(
      waiting.map(({ state }) => state),
      ['fulfilled', 'pending'],
    );
    assert.equal(test.told('warning').filter(({ code }) => code === 'NO_ROOM').length, 1);
    await test.clock.advance(390);
    assert.equal(test.driver.opens.length, 2);
    test.driver.accept();
    await test.clock.advance(520);
    assert.equal(waiting[1]?.state, 'fulfilled');
  });

  for (const kept of [1, 3]) {
    it(`is asked again at once when the ${kept} that the pool made do with are lost`, async () => {
      const test = new TestPool({ max: 10, acquireTimeoutMs: 10_000 });
      test.clock.randomness = 0.999;
      const leases = [];
      for (let n = 0; n < kept; n++) leases.push(await test.rest(test.pool.acquire()));
      test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
      const waiting = track(test.pool.acquire());
      await test.clock.settle();
      test.driver.accept();
      for (const connection of test.driver.connections) connection.lose();
      await test.clock.advance(100);
      assert.equal(waiting.state, 'fulfilled');
      for (const lease of leases) lease.release();
    });
  }

  it('is left alone while one connection is there to make do with, whatever becomes of the others', async () => {
    const test = new TestPool({ max: 10, acquireTimeoutMs: 10_000 });
    for (let n = 0; n < 3; n++) await test.rest(test.pool.acquire());
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    await test.clock.settle();
    const attempts = test.driver.opens.length;
    test.connection(0).lose();
    test.connection(1).lose();
    await test.clock.advance(1_900);
    assert.equal(test.driver.opens.length, attempts, 'the places are left to processes that have none');
  });

  it('its last place is not kept by an unused control connection', async () => {
    const test = new TestPool({ max: 2, queryTimeoutMs: 100, acquireTimeoutMs: 5_000 });
    test.clock.randomness = 0.999;
    const lease = await test.rest(test.pool.acquire());
    test.connection().reply = (sql) => (sql.includes('SLEEP') ? 'hang' : undefined);
    const late = track(lease.query('SELECT SLEEP(60)'));
    await test.clock.advance(200);
    assert.equal(late.code, 'QUERY_TIMEOUT');
    const [control] = test.driver.controls;
    assert.ok(control, 'it has sent the KILL');
    test.driver.onOpen = (open) =>
      control.ended ? open.succeed() : open.fail(connectError('ER_USER_LIMIT_REACHED', 1226));
    test.connection().lose();
    const waiting = track(test.pool.acquire());
    await test.clock.advance(200);
    assert.equal(waiting.state, 'fulfilled');
    lease.release();
  });

  it('that has no room after all is then asked as if the pool had never had any', async () => {
    const test = new TestPool({ max: 10, acquireTimeoutMs: 20_000 });
    test.clock.randomness = 0;
    await test.rest(test.pool.acquire());
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    await test.clock.settle();
    test.connection().lose();
    const attempts = test.driver.opens.length;
    await test.clock.advance(10_000);
    assert.ok(test.driver.opens.length - attempts <= 20, `${test.driver.opens.length - attempts} in 10 s`);
  });

  it('nobody is refused at once', async () => {
    const test = new TestPool({ max: 2 });
    test.driver.refuse('ER_CON_COUNT_ERROR', 1040);
    void track(test.pool.acquire());
    await test.clock.settle();
    const newcomer = track(test.pool.acquire());
    await test.clock.settle();
    assert.equal(newcomer.state, 'pending');
  });
});
