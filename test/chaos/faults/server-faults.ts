import { createConnection } from 'mysql2/promise';
import { type Fault, fault } from './fault.js';
import type { Stage } from './stage.js';

/** Some sessions of the app, now and again. */
const kill = fault({
  name: 'kill',
  start: ({ admin, account }, random, during) => {
    during.repeat(
      () => random.int(100, 600),
      async () => {
        const threads = await admin.threadsOf(account.user);
        for (const { id } of random.sample(threads, random.int(1, 3))) await admin.kill('CONNECTION', id);
      },
    );
  },
  heal: () => {},
});

/** Some of the statements that run. While this goes on, no 1317 can be blamed on the pool. */
const killQuery = fault({
  name: 'kill-query',
  start: ({ admin, account }, random, during) => {
    during.repeat(
      () => random.int(20, 200),
      async () => {
        const busy = (await admin.threadsOf(account.user)).filter(({ statement }) => statement !== null);
        for (const { id } of random.sample(busy, random.int(1, 3))) await admin.kill('QUERY', id);
      },
    );
  },
  heal: () => {},
});

const freeze = fault({
  name: 'freeze',
  start: ({ server }) => server.kill('SIGSTOP'),
  heal: ({ server }) => server.kill('SIGCONT'),
});

/** The server dies, and is back, on the same port and data, when this is healed. */
const restart = fault({
  name: 'restart',
  start: ({ server }) => server.kill('SIGKILL'),
  heal: ({ server }) => server.restart(),
});

const readOnly = fault({
  name: 'read-only',
  start: async ({ admin }) => void (await admin.query('SET GLOBAL read_only = 1')),
  heal: async ({ admin }) => void (await admin.query('SET GLOBAL read_only = 0')),
});

/** Sessions have it from their start: those there are must go. */
const waitTimeout = fault({
  name: 'wait-timeout',
  start: async ({ admin, account }) => {
    await admin.query('SET GLOBAL wait_timeout = 1');
    await admin.killAllOf(account.user);
  },
  heal: async ({ admin }) => void (await admin.query('SET GLOBAL wait_timeout = DEFAULT')),
});

/** What the server takes for it at least. */
const LOWEST = 10;

/** No room for new connections, and the app loses half of its own. */
const maxConnections = fault({
  name: 'max-connections',
  start: async (stage, random, during) => {
    const { admin, account } = stage;
    const threads = await admin.threadsOf(account.user);
    const lost = random.sample(threads, Math.ceil(threads.length / 2));
    const left = (await admin.countThreads()) - lost.length;
    await admin.query(`SET GLOBAL max_connections = ${Math.max(LOWEST, left)}`);
    await crowdIn(stage);
    for (const { id } of lost) await admin.kill('CONNECTION', id);
    during.repeat(
      () => 50,
      () => crowdIn(stage),
    );
  },
  heal: async (stage) => {
    await stage.admin.query('SET GLOBAL max_connections = 200');
    disperse(stage);
  },
});

type Crowd = Set<Awaited<ReturnType<typeof createConnection>>>;
const crowds = new WeakMap<Stage, Crowd>();

/** Sessions that do nothing but take what room there is. None of an account that may have one more than all. */
async function crowdIn(stage: Stage): Promise<void> {
  const crowd: Crowd = crowds.get(stage) ?? new Set();
  crowds.set(stage, crowd);
  for (;;) {
    try {
      const connection = await createConnection({ uri: stage.watcherUrl, connectTimeout: 5_000 });
      crowd.add(connection);
      connection.on('error', () => crowd.delete(connection));
    } catch (error) {
      if ((error as { code?: string }).code === 'ER_CON_COUNT_ERROR') return;
      throw error;
    }
  }
}

function disperse(stage: Stage): void {
  for (const connection of crowds.get(stage) ?? []) connection.destroy();
  crowds.delete(stage);
}

export const serverFaults: readonly Fault[] = [
  kill,
  killQuery,
  freeze,
  restart,
  readOnly,
  waitTimeout,
  maxConnections,
];
