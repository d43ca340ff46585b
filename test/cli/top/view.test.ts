import { strict as assert } from 'node:assert';
import { poolsOf } from '#cli/doctor/application.js';
import type { Thread } from '#cli/doctor/picture.js';
import type { AppLook } from '#cli/top/app-watch.js';
import type { ServerLook } from '#cli/top/server-watch.js';
import { viewOf } from '#cli/top/view.js';

const thread = (id: number, more: Partial<Thread> = {}): Thread => ({
  id,
  user: 'shop',
  host: '10.0.0.5',
  port: 50_000 + id,
  database: 'shop',
  command: 'Sleep',
  state: '',
  ageMs: 1_000,
  statement: undefined,
  program: undefined,
  pid: undefined,
  pool: undefined,
  ...more,
});

const lookAt = (threads: Thread[], more: Partial<ServerLook> = {}): ServerLook => ({
  facts: {
    version: '10.11',
    isMariaDb: true,
    account: 'u@%',
    variables: new Map([['max_connections', '151']]),
    maxUserConnections: 0,
  },
  status: new Map([
    ['threads_connected', '12'],
    ['threads_running', '2'],
    ['max_used_connections', '40'],
  ]),
  threads,
  transactions: [],
  ownId: 99,
  unseen: [],
  ...more,
});

const app = (answer: Record<string, unknown>, more: Partial<AppLook> = {}): AppLook => ({
  label: 'host:3000/stats',
  pools: poolsOf({ name: 'db', max: 10, leased: 1, idle: 1, ...answer }),
  error: undefined,
  at: 10_000,
  ...more,
});

const holder = (route: string, threadId: number, ageMs = 500, statement?: string) => ({
  route,
  threadId,
  ageMs,
  statement,
});

describe('the threads of the server, joined with the pools', () => {
  it('are of a route, of a pool, of a pool that was not asked, of this view, or of somebody else', () => {
    const threads = [thread(1), thread(2), thread(3, { pool: 'jobs', pid: 7 }), thread(4), thread(99)];
    const apps = [
      app({
        holders: [holder('GET /users/:id', 1)],
        connections: [
          { threadId: 1, state: 'leased' },
          { threadId: 2, state: 'idle' },
        ],
      }),
    ];
    const found = viewOf(lookAt(threads), apps).threads.toSorted((a, b) => a.id - b.id);
    assert.deepEqual(
      found.map(({ whose, route, heldMs, pool, poolState }) => [whose, route, heldMs, pool, poolState]),
      [
        ['route', 'GET /users/:id', 500, 'db', 'leased'],
        ['pool', undefined, undefined, 'db', 'idle'],
        ['program', undefined, undefined, 'jobs', undefined],
        ['foreign', undefined, undefined, undefined, undefined],
        ['own', undefined, undefined, undefined, undefined],
      ],
    );
  });

  it('are joined by holders alone where the application tells of nothing more', () => {
    const { threads } = viewOf(lookAt([thread(1), thread(2)]), [app({ holders: [holder('GET /', 1)] })]);
    assert.deepEqual(threads.map(({ whose }) => whose).sort(), ['route', 'unknown']);
  });

  it('are somebody else’s only where all applications told of all they have, or the program is known', () => {
    const whose = (apps: AppLook[], more: Partial<Thread> = {}) =>
      viewOf(lookAt([thread(1, more)]), apps).threads[0]?.whose;
    const told = app({ connections: [] });
    assert.equal(whose([told]), 'foreign');
    assert.equal(whose([told, app({})]), 'unknown');
    assert.equal(whose([told, { ...app({}), pools: [], error: 'it answered 500' }]), 'unknown');
    assert.equal(whose([]), 'unknown');
    assert.equal(whose([], { program: 'mysqld_exporter' }), 'foreign');
  });

  it('are not joined by a number that another process has on another server', () => {
    const apps = [app({ pid: 7, holders: [holder('GET /', 1)] })];
    const whose = (pid: number | undefined) => viewOf(lookAt([thread(1, { pid })]), apps).threads[0]?.whose;
    assert.deepEqual([whose(7), whose(undefined), whose(8)], ['route', 'route', 'unknown']);
  });

  it('say how many connections of the applications are not among them', () => {
    const apps = [app({ connections: [1, 2, 3].map((threadId) => ({ threadId, state: 'idle' })) })];
    assert.equal(viewOf(lookAt([thread(1)]), apps).notFound, 2);
  });

  it('begin with those that work, then those that a route holds; the longest first, the server’s own left out', () => {
    const threads = [
      thread(1, { ageMs: 9_000 }),
      thread(2, { ageMs: 100 }),
      thread(3, { command: 'Query', ageMs: 5 }),
      thread(4, { command: 'Query', ageMs: 50 }),
      thread(5, { command: 'Daemon', user: 'system user' }),
      thread(6, { user: 'event_scheduler' }),
    ];
    const view = viewOf(lookAt(threads), [app({ holders: [holder('GET /', 2)] })]);
    assert.deepEqual(
      view.threads.map(({ id }) => id),
      [4, 3, 2, 1],
    );
  });

  it('have the age of their transaction, and it is said when only those of this account are seen', () => {
    const transactions = [{ threadId: 1, ageMs: 7_000, rowsModified: 0, rowsLocked: 0, readOnly: false }];
    const view = viewOf(lookAt([thread(1), thread(2)], { transactions }), []);
    assert.deepEqual(
      [view.threads.map(({ transactionMs }) => transactionMs), view.server.seesAllThreads],
      [[7_000, undefined], true],
    );
    assert.equal(viewOf(lookAt([], { transactions: null }), []).server.seesAllThreads, false);
  });
});

describe('holders by route', () => {
  it('are counted, with the oldest and what they ran; the most first', () => {
    const holders = [
      holder('GET /a', 1, 100, 'SELECT 1'),
      holder('GET /b', 2, 300, 'SELECT b'),
      holder('GET /b', 3, 900, 'SELECT c'),
      holder('GET /b', 4, 200, 'SELECT b'),
      holder('GET /c', 5, 50),
    ];
    const { routes } = viewOf(lookAt([]), [app({ holders })]);
    assert.deepEqual(routes, [
      { route: 'GET /b', pool: 'db', held: 3, oldestMs: 900, statements: ['SELECT c', 'SELECT b'] },
      { route: 'GET /a', pool: 'db', held: 1, oldestMs: 100, statements: ['SELECT ?'] },
      { route: 'GET /c', pool: 'db', held: 1, oldestMs: 50, statements: [] },
    ]);
  });

  it('of two processes are one line, of two pools two', () => {
    const one = app({ holders: [holder('GET /', 1)] });
    const two = app({ holders: [holder('GET /', 2)] }, { label: 'host:3001/stats' });
    const other = app({ name: 'reporting', holders: [holder('GET /', 3)] });
    assert.deepEqual(
      viewOf(lookAt([]), [one, two, other]).routes.map(({ pool, held }) => [pool, held]),
      [
        ['db', 2],
        ['reporting', 1],
      ],
    );
  });

  it('show no value, whatever the application says', () => {
    const { routes } = viewOf(lookAt([]), [
      app({ holders: [holder('GET /', 1, 5, "SELECT 'hunter2', 42")] }),
    ]);
    assert.deepEqual(routes[0]?.statements, ['SELECT ?, ?']);
  });
});

describe('pools', () => {
  it('have their gauges, and what happened since the last look', () => {
    const stats = { leased: 10, idle: 0, opening: 1, draining: 2, pending: 30, timedOut: 4, shed: 5 };
    const before = [app({ ...stats, pid: 7, acquired: 1_000 }, { at: 10_000 })];
    const now = [app({ ...stats, pid: 7, acquired: 1_120 }, { at: 12_000 })];
    assert.deepEqual(viewOf(lookAt([]), now, before).pools, [
      {
        app: 'host:3000/stats',
        pool: 'db',
        pid: 7,
        max: 10,
        leased: 10,
        idle: 0,
        opening: 1,
        other: 2,
        pending: 30,
        perSecond: 60,
        waitMs: 500,
        timedOut: 4,
        shed: 5,
      },
    ]);
  });

  it('do not compare two processes behind one url, nor one with itself before its restart', () => {
    const rate = (then: Record<string, unknown>, now: Record<string, unknown>) =>
      viewOf(lookAt([]), [app(now, { at: 12_000 })], [app(then)]).pools[0]?.perSecond;
    assert.equal(rate({ pid: 1, acquired: 5 }, { pid: 1, acquired: 9 }), 2);
    assert.equal(rate({ pid: 1, acquired: 5 }, { pid: 2, acquired: 9 }), undefined);
    assert.equal(rate({ acquired: 5 }, { acquired: 0 }), undefined);
    assert.equal(viewOf(lookAt([]), [app({})]).pools[0]?.perSecond, undefined);
  });

  it('wait for nothing where nobody does, and for nobody knows how long where nobody gets one', () => {
    const wait = (pending: number, acquired: number) =>
      viewOf(lookAt([]), [app({ pending, acquired }, { at: 11_000 })], [app({ acquired: 0 })]).pools[0]
        ?.waitMs;
    assert.deepEqual([wait(0, 0), wait(3, 0), wait(3, 30)], [0, undefined, 100]);
  });
});
