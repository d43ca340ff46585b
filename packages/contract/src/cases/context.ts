import { strict as assert } from 'node:assert';
import { currentDb } from '@handback/core';
import {
  Afterwards,
  type App,
  codeOf,
  connectionId,
  json,
  nothingLeaked,
  serve,
  serveUnchecked,
} from '../app.js';
import type { Case, CaseHarness, Context, Db, Handler, Options } from '../harness.js';
import { databaseUrl } from '../support/database.js';
import { Gate } from '../support/eventually.js';

const current = (as?: string): Db => currentDb(as) as unknown as Db;

/** Serves `handler` with the option `context`. */
function serveInContext(
  harness: CaseHarness,
  handler: Handler,
  work: (app: App) => Promise<void>,
  options: Options = {},
): Promise<void> {
  const routes = [{ path: '/work', handler }];
  return serve(harness, { routes, options: { context: true, ...options } }, work);
}

/** What currentDb() answers with: its error's code, or whether it is the given one. */
function finds(db: Db, as?: string): boolean | string | undefined {
  try {
    return current(as) === db;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

const ownScope: Case = {
  name: 'currentDb() is request.db, in each of many requests at once, behind every await, callback and event',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => {
      const seen = [finds(db)];
      const see = () => seen.push(finds(db));
      await current().query('SELECT 1');
      see();
      await current().transaction(async (tx) => {
        see();
        await tx.query('SELECT 1');
        see();
      });
      await current().query('SELECT nothing').catch(see);
      for await (const _row of current().stream('SELECT 1')) see();
      await new Promise((resolve) =>
        current()
          .stream('SELECT 1 UNION SELECT 2')
          .on('fields', see)
          .on('data', see)
          .on('end', see)
          .on('close', resolve),
      );
      see();
      const raw = await current().connection();
      await raw.promise().query('SELECT 1');
      see();
      reply(200, { seen });
    };
    return serveInContext(harness, handler, async (app) => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => app.get('/work')));
      for (const { seen } of answers.map(json)) assert.deepEqual(seen, Array(12).fill(true));
    });
  },
};

const slowBody: Case = {
  name: 'currentDb() behind a body that comes slowly, while others are served',
  run(harness) {
    const handler: Handler = async ({ db, reply }) => reply(200, { found: finds(db) });
    const routes = [{ method: 'POST' as const, path: '/work', handler }];
    return serve(harness, { routes, options: { context: true } }, async (app) => {
      const clients = [await app.client(), await app.client()];
      const head =
        'POST /work HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n';
      for (const client of clients) client.write(`${head}{"a":`);
      assert.equal((await app.get('/next')).status, 200);
      for (const client of clients) client.write('"12345"}');
      for (const client of clients) assert.deepEqual(json(await client.receive()), { found: true });
    });
  },
};

const later: Case = {
  name: 'currentDb() in what a request left behind: late work, timers',
  run(harness) {
    const late = new Afterwards<unknown[]>();
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(current());
      late.schedule(async () => [finds(db), (await connectionId(current())) > 0]);
      const inTimer = await new Promise((resolve) => setTimeout(() => resolve(finds(db)), 1));
      reply(200, { inTimer });
    };
    return serveInContext(harness, handler, async (app) => {
      assert.deepEqual(json(await app.get('/work')), { inTimer: true });
      await app.handedBack();
      assert.deepEqual(await late.begin(), [true, true]);
      assert.equal(app.pool.stats().late, 1);
    });
  },
};

const keepAlive: Case = {
  name: 'currentDb() of each of several requests on one socket is its own, pipelined ones included',
  run(harness) {
    const scopes = new Set<Db>();
    const handler: Handler = async ({ db, reply }) => {
      scopes.add(current());
      await connectionId(current());
      reply(200, { found: finds(db) });
    };
    return serveInContext(harness, handler, async (app) => {
      const client = await app.client();
      client.send(['/work']);
      assert.deepEqual(json(await client.receive()), { found: true });
      client.send(['/work'], ['/work'], ['/work']);
      for (let n = 0; n < 3; n++) assert.deepEqual(json(await client.receive()), { found: true });
      assert.equal(scopes.size, 4);
    });
  },
};

const outside: Case = {
  name: 'currentDb() outside of requests is NO_CURRENT_DB',
  run: (harness) =>
    serveInContext(
      harness,
      ({ reply }) => reply(200, {}),
      async (app) => {
        assert.equal((await app.get('/work')).status, 200);
        assert.throws(() => currentDb(), { name: 'HandbackError', code: 'NO_CURRENT_DB' });
      },
    ),
};

const withoutOption: Case = {
  name: 'without the option context, currentDb() is NO_CURRENT_DB in a request too',
  run(harness) {
    const handler: Handler = ({ db, reply }) => reply(200, { found: finds(db) });
    return serve(harness, { routes: [{ path: '/work', handler }] }, async (app) => {
      assert.deepEqual(json(await app.get('/work')), { found: 'NO_CURRENT_DB' });
    });
  },
};

const costsNothing: Case = {
  name: 'a request that does not query takes no connection with the option context either',
  run: (harness) =>
    serveInContext(
      harness,
      ({ db, reply }) => reply(200, { found: finds(db) }),
      async (app) => {
        assert.deepEqual(json(await app.get('/work')), { found: true });
        const { opened, acquired } = app.pool.stats();
        assert.deepEqual({ opened, acquired }, { opened: 0, acquired: 0 });
      },
    ),
};

const severalNames: Case = {
  name: 'currentDb(as) of several registrations; of those with the option alone',
  run(harness) {
    const handler: Handler = async ({ db, named, reply }) => {
      const look = () => [
        finds(db),
        finds(named('reporting'), 'reporting'),
        finds(named('quiet'), 'quiet'),
        finds(db, 'nobody'),
      ];
      const before = look();
      await connectionId(current('reporting'));
      await connectionId(current());
      reply(200, { before, after: look() });
    };
    const plugin = { uri: databaseUrl(), max: 2 };
    const plugins = [
      { ...plugin, context: true },
      { ...plugin, as: 'reporting', context: true },
      { ...plugin, as: 'quiet' },
    ];
    return serveUnchecked(harness, { routes: [{ path: '/work', handler }], plugins }, async (app) => {
      const found = [true, true, 'NO_CURRENT_DB', 'NO_CURRENT_DB'];
      assert.deepEqual(json(await app.get('/work')), { before: found, after: found });
      await nothingLeaked(app);
    });
  },
};

const optedOut: Case = {
  name: 'currentDb() on a route that is opted out rejects ROUTE_OPTED_OUT',
  run(harness) {
    const handler: Handler = async ({ reply }) =>
      reply(200, { code: await codeOf(current().query('SELECT 1')) });
    const routes = [{ path: '/work', options: false as const, handler }];
    return serve(harness, { routes, options: { context: true } }, async (app) => {
      assert.deepEqual(json(await app.get('/work')), { code: 'ROUTE_OPTED_OUT' });
    });
  },
};

const jobs: Case = {
  name: 'currentDb() inside pool.run() is the job’s, and afterwards the request’s again',
  run(harness) {
    let app: App | null = null;
    const handler: Handler = async ({ db, reply }) => {
      const seen: unknown[] = [finds(db)];
      await app?.pool.run(async (job) => {
        seen.push(finds(job), finds(db));
        await connectionId(current());
        seen.push(finds(job));
      });
      seen.push(finds(db));
      reply(200, { seen });
    };
    return serveInContext(harness, handler, async (running) => {
      app = running;
      assert.deepEqual(json(await app.get('/work')), { seen: [true, true, false, true, true] });
      // A job of its own, which no request has started.
      assert.equal(await app.pool.run(async (job) => finds(job)), true);
    });
  },
};

/** Four requests at once, each of which holds a connection when it asks for another. */
async function fourByTwo(
  harness: CaseHarness,
  options: Options,
  check: (app: App, answers: Array<Record<string, unknown>>) => void | Promise<void>,
): Promise<void> {
  const all = new Gate();
  let holding = 0;
  let app: App | null = null;
  const handler = async ({ db, reply }: Context) => {
    await connectionId(db);
    holding += 1;
    if (holding === 4) all.open();
    await all.opened;
    const code = await codeOf((app as App).pool.query('SELECT 1'));
    reply(200, { code });
  };
  await serveInContext(
    harness,
    handler,
    async (running) => {
      app = running;
      const answers = await Promise.all(Array.from({ length: 4 }, () => running.get('/work')));
      await check(running, answers.map(json));
    },
    { max: 4, ...options },
  );
}

const afterTheAnswer: Case = {
  name: 'what goes on after the answer of a request is not its second connection',
  run(harness) {
    const late = new Afterwards<unknown>();
    let app: App | null = null;
    const told: unknown[] = [];
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      late.schedule(async () => {
        const job = () => app?.pool.run((inner) => connectionId(inner));
        return Promise.all([job(), job()]);
      });
      reply(200, {});
    };
    return serveInContext(harness, handler, async (running) => {
      app = running;
      app.pool.events.on('doubleAcquire', (event) => told.push(event));
      await app.get('/work');
      await app.handedBack();
      await late.begin();
      assert.deepEqual(told, []);
    });
  },
};

const deadlockRefused: Case = {
  name: 'four requests that need two of four connections: with onDoubleAcquire error one is refused, and all are answered',
  run: (harness) =>
    fourByTwo(
      harness,
      { onDoubleAcquire: 'error', acquireTimeoutMs: Number.POSITIVE_INFINITY },
      (_app, answers) => {
        const codes = answers.map(({ code }) => code).sort();
        assert.deepEqual(codes, ['DOUBLE_ACQUIRE', 'no error', 'no error', 'no error']);
      },
    ),
};

interface Warning {
  code: string;
  message: string;
  report?: { holders: Array<{ route: string; waiting?: boolean }> };
}

/** The lines of this file; where it is installed, in node_modules, those of its caller: a library's are not named. */
const BOTH_PLACES = /[\\/]node_modules[\\/]/.test(import.meta.url)
  ? /^(GET )?\/work .* asked for at .+:\d+:\d+\)?, and asks for another at .+:\d+:\d+/
  : /^(GET )?\/work .* asked for at .*connectionId.*\.js:\d+.* another at .*context\.js:\d+/;

const deadlockReported: Case = {
  name: 'four requests that need two of four connections: by default all settle by acquireTimeoutMs, and the log names them',
  run: (harness) =>
    fourByTwo(harness, { acquireTimeoutMs: 1_000 }, async (app, answers) => {
      assert.ok(answers.some(({ code }) => code === 'ACQUIRE_TIMEOUT'));
      const warnings = app.warnings as Warning[];
      const [double, ...more] = warnings.filter(({ code }) => code === 'DOUBLE_ACQUIRE');
      assert.deepEqual(more, [], 'said once per route');
      assert.match(double?.message ?? '', BOTH_PLACES);
      const timeout = warnings.find(({ code }) => code === 'ACQUIRE_TIMEOUT');
      const holders = timeout?.report?.holders ?? [];
      assert.deepEqual(
        holders.map(({ waiting }) => waiting),
        [true, true, true, true],
      );
      assert.ok(holders.every(({ route }) => route.includes('/work')));
    }),
};

export const context: Case[] = [
  ownScope,
  slowBody,
  later,
  keepAlive,
  outside,
  withoutOption,
  costsNothing,
  severalNames,
  optedOut,
  jobs,
];

export const doubleAcquire: Case[] = [deadlockRefused, deadlockReported, afterTheAnswer];
