import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import {
  type CaseHarness,
  type Db,
  type Options,
  type RunningApp,
  type Setup,
  stateNames,
} from './harness.js';
import { databaseUrl } from './support/database.js';
import { eventually, Gate, within } from './support/eventually.js';
import type { Message, RequestOptions } from './support/http-message.js';
import { RawClient, request } from './support/raw-client.js';
import { ServerWatcher } from './support/server-watcher.js';

export interface App extends RunningApp {
  watcher: ServerWatcher;
  /** What the pools warned of. */
  warnings: unknown[];
  /** A request on a connection of its own. */
  get(path: string, options?: RequestOptions): Promise<Message>;
  /** A connection that is closed with the app. */
  client(): Promise<RawClient>;
  eventually<T>(check: () => T | Promise<T>): Promise<T>;
  /** Waits until no lease is out, nobody waits and all is clean; before and after, the pool's books must balance. */
  handedBack(): Promise<void>;
}

export interface CaseSetup
  extends Pick<Setup, 'routes' | 'laterHook' | 'frameworkOptions' | 'frameworkSetup'> {
  /** Added to { uri, max: 3 }. */
  options?: Options;
  /** Instead of `options`: every registration, whole. */
  plugins?: Options[];
}

/** Serves the routes for `work`, then holds the pool to what every case must leave behind: nothing. */
export function serve(
  harness: CaseHarness,
  setup: CaseSetup,
  work: (app: App) => Promise<void>,
): Promise<void> {
  return serveUnchecked(harness, setup, async (app) => {
    await work(app);
    await nothingLeaked(app);
  });
}

/** For the cases that close the pool themselves or never reach a database. */
export async function serveUnchecked(
  harness: CaseHarness,
  setup: CaseSetup,
  work: (app: App) => Promise<void>,
): Promise<void> {
  const { app, leave } = await start(harness, setup);
  try {
    await work(app);
  } catch (error) {
    await leave(true).catch(() => {});
    throw error;
  }
  await leave(false);
}

async function start(harness: CaseHarness, setup: CaseSetup) {
  const { patienceMs } = harness;
  const plugins = setup.plugins ?? [{ uri: databaseUrl(), max: 3, ...setup.options }];
  const next = {
    path: '/next',
    handler: async ({ db, reply }: { db: Db; reply(status: number, body: unknown): void }) =>
      reply(200, { id: await connectionId(db) }),
  };
  const strategy = harness.strategy?.(Number(setup.options?.max ?? 3));
  const running = await harness.start({ ...setup, routes: [...setup.routes, next], plugins, strategy });
  const watcher = await ServerWatcher.open();
  const clients: RawClient[] = [];
  const warnings: unknown[] = [];
  for (const { events } of running.pools) events.on('warning', (warning) => warnings.push(warning));
  const app: App = {
    ...running,
    watcher,
    warnings,
    get: (path, options) => request(running.port, path, options, patienceMs),
    async client() {
      const client = await RawClient.connect(running.port);
      clients.push(client);
      return client;
    },
    eventually: (check) => eventually(check, patienceMs),
    async handedBack() {
      booksBalance(running);
      await eventually(() => {
        const { leased, pending, draining, resetting, opening } = running.pool.stats();
        assert.ok(leased === 0 && pending === 0, `leaked: leased ${leased}, pending ${pending}`);
        assert.deepEqual({ draining, resetting, opening }, { draining: 0, resetting: 0, opening: 0 });
      }, patienceMs);
      booksBalance(running);
    },
  };
  const leave = async (failed: boolean) => {
    for (const client of clients) client.leave('FIN');
    running.server.closeAllConnections();
    if (failed) await running.pool.close({ timeoutMs: 0 }).catch(() => {});
    await within(10_000, 'closing the app', running.close()).finally(() => watcher.close());
    await strategy?.pool.close();
  };
  return { app, leave };
}

/** No lease out, nobody waiting, every connection that was ever opened accounted for, and the app still works. */
export async function nothingLeaked(app: App): Promise<void> {
  await app.handedBack();
  const next = await app.get('/next').catch((error: Error) => {
    throw new assert.AssertionError({
      message: `blocked: the next request got no answer (${error.message})`,
    });
  });
  assert.equal(next.status, 200, `the next request answered ${next.status}: ${next.body}`);
  await app.handedBack();
}

function booksBalance({ pool }: RunningApp): void {
  const stats = pool.stats();
  const sum = stateNames.reduce((total, state) => total + stats[state], 0);
  const alive = stats.opened - stats.closed;
  assert.equal(
    alive,
    sum,
    `opened - closed = ${alive}, the states sum up to ${sum}: ${JSON.stringify(stats)}`,
  );
}

export async function connectionId(db: Pick<Db, 'query'>): Promise<number> {
  const [rows] = await db.query('SELECT CONNECTION_ID() AS id');
  return Number(rows[0]?.id);
}

/** Waits, on the server's side, until the client of this request is gone. */
export function clientGone({ socket }: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** The connection of the next request, which must get one that is idle: at once and not `busy`. */
export async function nextConnection(app: App, busy: number): Promise<number> {
  const answer = await app
    .get('/next')
    .catch((error: Error) => assert.fail(`busy: no answer (${error.message})`));
  const { id } = json(answer);
  assert.notEqual(id, busy, 'busy: the next request got a connection that still runs a statement');
  return id as number;
}

/** The code a promise is rejected with. */
export const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  );

export function json(message: Message): Record<string, unknown> {
  return JSON.parse(message.body.toString()) as Record<string, unknown>;
}

/** Work of a handler that goes on after its answer. It begins when the test says so, and the test sees how it ends. */
export class Afterwards<T> {
  readonly #begin = new Gate();
  readonly #done = new Gate<T>();

  schedule(work: () => Promise<T>): void {
    void this.#begin.opened.then(() => {
      this.#done.open(work());
    });
  }

  begin(): Promise<T> {
    this.#begin.open();
    return within(10_000, 'the work after the answer', this.#done.opened);
  }
}
