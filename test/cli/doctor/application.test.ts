import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool } from '@handback/core';
import { fetchApplication, poolsOf } from '#cli/doctor/application.js';
import { applicationPools } from '#cli/doctor/checks/application.js';
import { expectationsOf } from '#cli/doctor/expectation.js';
import type { Finding } from '#cli/findings.js';
import { handback } from '../handback.js';
import { Clinic, textOf } from './clinic.js';

async function withServer<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stats`);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

const json =
  (body: () => unknown): RequestListener =>
  (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body()));

describe('doctor: what the application tells of its pools', () => {
  const stats = { max: 4, leased: 1, idle: 2, pending: 0, evicted: { idle: 3 } };

  it('comes as stats alone, with holders and options, or of several pools', () => {
    assert.deepEqual(poolsOf(stats), [
      {
        name: 'default',
        stats: { max: 4, leased: 1, idle: 2, pending: 0 },
        holders: [],
        options: { max: 4 },
      },
    ]);
    const holder = { route: 'GET /', ageMs: 5, statement: 'SELECT ?', threadId: 7 };
    const more = {
      name: 'orders',
      stats,
      holders: [holder, 'x'],
      options: { idleTimeoutMs: 9, uri: 'no', max: 4 },
    };
    assert.deepEqual(poolsOf(more), [
      {
        name: 'orders',
        stats: { max: 4, leased: 1, idle: 2, pending: 0 },
        holders: [holder],
        options: { max: 4, idleTimeoutMs: 9 },
      },
    ]);
    const names = (answer: unknown) => poolsOf(answer).map(({ name }) => name);
    assert.deepEqual(names([stats, more]), ['0', 'orders']);
    assert.deepEqual(names({ pools: [more] }), ['orders']);
    assert.deepEqual(names({ pools: { db: stats, reporting: { stats } } }), ['db', 'reporting']);
    const wrong = [
      { max: -1, leased: 1 },
      { max: 0.5, leased: 0 },
      { max: 1e308, leased: 1 },
      { max: 0, leased: 0 },
    ];
    for (const answer of [null, [], {}, 'x', { max: 4 }, { stats: {} }, ...wrong])
      assert.throws(() => poolsOf(answer), /no statistics of a pool/);
  });

  it('is taken for what it can be: counts, ages, names that fit on a screen', () => {
    const told = {
      stats,
      name: 'n'.repeat(5_000),
      pid: -4,
      holders: [
        { route: 'r'.repeat(5_000), ageMs: 5, threadId: -1 },
        { route: 'GET /', ageMs: -5 },
        { route: 'GET /', ageMs: 1e300 },
        { route: 'GET /', ageMs: '5' },
        { route: 5, ageMs: 5 },
        null,
      ],
      connections: [null, { threadId: 1.5, state: 'idle' }, { threadId: 'x', state: 'idle' }],
      options: { max: 0, idleTimeoutMs: -5, queryTimeoutMs: null, leakAfterMs: 0, acquireTimeoutMs: null },
    };
    const [pool] = poolsOf(told);
    assert.ok(pool);
    const { holders, options } = pool;
    assert.deepEqual([pool.name.length, pool.pid, pool.connections], [201, undefined, []]);
    assert.deepEqual(
      holders.map(({ route, threadId }) => [route.length, threadId]),
      [[201, undefined]],
    );
    // What JSON has of Infinity.
    assert.deepEqual(options, { max: 4, leakAfterMs: 0, acquireTimeoutMs: Number.POSITIVE_INFINITY });
  });

  it('has no values in its statements, whatever the application says, and no line breaks', () => {
    const statement = "SELECT 'hunter2'\n  FROM t";
    const [pool] = poolsOf({ stats, holders: [{ route: 'GET /', ageMs: 5, statement }] });
    assert.equal(pool?.holders[0]?.statement, 'SELECT ? FROM t');
  });

  it('may begin with a byte order mark, and end before its time', async () => {
    const env = {};
    const marked: RequestListener = (_request, response) => response.end(`\ufeff${JSON.stringify(stats)}`);
    await withServer(marked, async (url) => {
      assert.equal((await fetchApplication(url, { timeoutMs: 10_000, env })).length, 1);
    });
    const slow: RequestListener = (_request, response) => response.write('{');
    await withServer(slow, (url) =>
      assert.rejects(fetchApplication(url, { timeoutMs: 500, env }), /^Error: no answer within 500 ms$/),
    );
    const endless: RequestListener = (_request, response) => response.end('x'.repeat(4 * 1024 * 1024 + 1));
    await withServer(endless, (url) =>
      assert.rejects(fetchApplication(url, { timeoutMs: 10_000, env }), /longer than 4194304 bytes/),
    );
    const cut: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{', () => response.destroy());
    };
    await withServer(cut, (url) =>
      assert.rejects(fetchApplication(url, { timeoutMs: 10_000, env }), /^Error: other side closed$/),
    );
  });

  it('is asked with a header that is one: a broken one is not repeated', async () => {
    const env = { HANDBACK_APP_AUTHORIZATION: 'Basic s3cret\nabc' };
    await assert.rejects(
      fetchApplication('http://127.0.0.1:1/', { timeoutMs: 1_000, env }),
      (error: Error) => {
        assert.match(error.message, /HANDBACK_APP_AUTHORIZATION is no header/);
        return !error.message.includes('s3cret');
      },
    );
  });

  it('says nothing of leaks where the pool looks for none', () => {
    const pools = poolsOf({ stats, options: { leakAfterMs: 0 }, holders: [{ route: 'GET /', ageMs: 1e9 }] });
    const expectations = expectationsOf({}, pools);
    const findings = applicationPools({ pools, expectations });
    assert.deepEqual(
      findings.map(({ id }) => id),
      ['pool-exhausted', 'pool-history'],
    );
    assert.equal(expectations[0].transactionAfterMs, 30_000, 'open transactions are another matter');
  });

  describe('on a real server', () => {
    let clinic: Clinic;
    let pool: ConnectionPool;
    before(async function () {
      clinic = await Clinic.open(this);
    });
    beforeEach(() => {
      pool = createPool({ uri: clinic.url(), max: 2, leakAfterMs: 0 });
    });
    afterEach(() => pool.close());
    after(() => clinic?.close());

    const told = () => ({
      stats: pool.stats(),
      holders: pool.holders(),
      connections: pool.connections(),
      options: { idleTimeoutMs: 1_234 },
    });

    async function doctor(
      url: string,
      ...flags: string[]
    ): Promise<{ of: (id: string) => Finding; code: number | null }> {
      const args = ['doctor', clinic.url(), '--app', url, '--sample', '0', '--json', ...flags];
      const { stdout, code } = await handback(args);
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      return { code, of: (id) => findings.find((found) => found.id === id) as Finding };
    }

    it('names the holders when somebody waits, and nobody when they are done', async () => {
      await withServer(json(told), async (url) => {
        const leases = await Promise.all([pool.acquire(), pool.acquire()]);
        await leases[0].query("SELECT 'secret'");
        const waiting = pool.acquire({ timeoutMs: Number.POSITIVE_INFINITY });
        const { of, code } = await doctor(url, '--leak-after', '1', '--transaction-after', '60000');
        assert.equal(code, 1);
        assert.equal(of('pool-exhausted').severity, 'warning');
        assert.match(
          textOf(of('pool-exhausted')),
          /1 acquire waits.*max 2, leased 2.*pool\.acquire holds one as #\d+/s,
        );
        assert.equal(of('pool-holders').severity, 'warning');
        assert.doesNotMatch(textOf(of('pool-holders')), /secret/);
        assert.match(textOf(of('connection-budget')), /max 2 \+ 1/);
        assert.match(textOf(of('idle-timeout')), /idleTimeoutMs 1234 <=/);
        const named = await doctor(url, '--sleep-after', '0');
        assert.match(textOf(named.of('sleepers')), /held by pool\.acquire for/, 'on the server’s side too');

        for (const lease of leases) await lease.release();
        await (await waiting).release();
        const after = await doctor(url, '--leak-after', '60000');
        assert.deepEqual(
          [after.of('pool-exhausted').severity, after.of('pool-holders').severity],
          ['ok', 'ok'],
        );
        assert.equal(after.of('pool-history').severity, 'ok');
        const idle = await doctor(url, '--sleep-after', '0');
        assert.match(textOf(idle.of('sleepers')), /idle in the pool default/);
      });
    });

    it('tells what went wrong before', async () => {
      await withServer(json(told), async (url) => {
        const leases = await Promise.all([pool.acquire(), pool.acquire()]);
        await assert.rejects(pool.acquire({ timeoutMs: 1 }), { code: 'ACQUIRE_TIMEOUT' });
        for (const lease of leases) await lease.release();
        const { of } = await doctor(url);
        assert.equal(of('pool-history').severity, 'info');
        assert.match(textOf(of('pool-history')), /timedOut 1: acquires met their deadline/);
      });
    });

    it('is told with the user and password of its url, which are not printed', async () => {
      const seen: (string | undefined)[] = [];
      const listener: RequestListener = (request, response) => {
        seen.push(request.headers.authorization);
        response.writeHead(401).end();
      };
      await withServer(listener, async (url) => {
        const withPassword = url.replace('//', '//ops:s3cret@');
        for (const flags of [[], ['--json']]) {
          const { code, stdout, stderr } = await handback([
            'doctor',
            clinic.url(),
            '--app',
            withPassword,
            ...flags,
          ]);
          assert.equal(code, 1);
          assert.match(stdout, /it answered 401/);
          assert.doesNotMatch(stdout + stderr, /s3cret/);
        }
      });
      assert.deepEqual(new Set(seen), new Set([`Basic ${Buffer.from('ops:s3cret').toString('base64')}`]));
    });

    it('may be silent: then the server is looked at all the same', async () => {
      await withServer(
        () => {},
        async (url) => {
          const { of, code } = await doctor(url, '--timeout', '1000');
          assert.equal(code, 1);
          assert.match(textOf(of('application')), /no answer within 1000 ms/);
          assert.equal(of('connections-now').severity, 'ok');
        },
      );
      const closed = await doctor('http://127.0.0.1:1/stats');
      assert.match(textOf(closed.of('application')), /ECONNREFUSED|bad port/);
      assert.match(textOf(closed.of('application')), /can reach.* connections: pool\.connections\(\)/);
      await eventually(() => assert.equal(pool.stats().leased, 0));
    });
  });
});
