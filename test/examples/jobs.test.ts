import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { createPool } from '@handback/core';
import { Worker } from 'bullmq';
import type { Order } from 'handback-examples/dist/jobs/order.js';
import { QUEUE } from 'handback-examples/dist/jobs/queue.js';
import { startWorker } from 'handback-examples/dist/jobs/worker.js';
import { seed } from 'handback-examples/dist/shared/seed.js';
import { skipLoudly } from '../support/skip-loudly.js';
import { compiled, isQuiet } from './examples.js';
import { orders, type Stage, withStage } from './jobs-stage.js';
import { type Program, withProgram } from './processes.js';
import { NO_REDIS, type RedisServer, startRedis } from './redis.js';

const EXIT_MS = 20_000;

/** The processes that a process started. Linux says so itself; elsewhere there is pgrep. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const told =
    process.platform === 'linux' ? readFile(`/proc/${pid}/task/${pid}/children`, 'utf8') : pgrep(pid);
  const children = await told.catch(() => '');
  return children.split(/\s/).filter(Boolean).map(Number);
}

async function pgrep(parent: number | undefined): Promise<string> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(parent)]);
  return stdout;
}

async function assertEndsWell(program: Program): Promise<void> {
  program.process.kill('SIGTERM');
  const { code, stderr } = await within(EXIT_MS, 'the end of the worker', program.ended);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
}

describe('example: jobs', () => {
  let redis: RedisServer | null = null;

  before(async function () {
    redis = await startRedis();
    if (!redis) skipLoudly(this, 'example: jobs', NO_REDIS);
    await seed(databaseUrl());
  });
  after(() => redis?.stop());

  const onStage = (work: (stage: Stage) => Promise<void>) => withStage(redis?.url ?? '', work);

  /** A worker of this process on a pool that the case can look at. */
  async function withLocalWorker(
    stage: Stage,
    work: (pool: ReturnType<typeof createPool>, worker: Worker<Order, string>) => Promise<void>,
  ): Promise<void> {
    const pool = createPool({ uri: stage.account.url, max: 3 });
    const worker = startWorker(pool, stage.place, 6);
    worker.on('error', () => {});
    try {
      await work(pool, worker);
      await worker.close();
      await isQuiet(pool);
    } finally {
      await worker.close();
      await pool.close();
    }
    await stage.untilNoThreads();
  }

  it('each job is done once, on a connection that goes back and says whose it was', () =>
    onStage(async (stage) => {
      const before = await stage.balances();
      const wanted = orders(60);
      const routes = new Set<string>();
      await withLocalWorker(stage, async (pool) => {
        pool.events.on('release', ({ route }) => routes.add(route));
        await stage.enqueue(wanted);
        await stage.untilCompleted(60);
        assert.equal(pool.stats().acquired, 60);
      });
      assert.deepEqual([...routes], ['job transfers']);
      await stage.assertDoneOnce(wanted, before);
    }));

  it('an order that comes twice, as another job, is done once', () =>
    onStage(async (stage) => {
      const before = await stage.balances();
      const [order] = orders(1) as [Order];
      await withLocalWorker(stage, async () => {
        await stage.queue.add('transfer', order, { jobId: 'one' });
        await stage.queue.add('transfer', order, { jobId: 'another' });
        await stage.untilCompleted(2);
        const results = (await stage.queue.getCompleted()).map(({ returnvalue }) => returnvalue);
        assert.deepEqual(results.sort(), ['done', 'was done before']);
      });
      await stage.assertDoneOnce([order], before);
    }));

  it('a job that fails hands back at each attempt, and has changed nothing', () =>
    onStage(async (stage) => {
      const before = await stage.balances();
      await withLocalWorker(stage, async (pool) => {
        await stage.enqueue(orders(2, { amount: 1_000_000 }));
        await eventually(async () => assert.equal(await stage.queue.getFailedCount(), 2));
        assert.deepEqual([pool.stats().acquired, pool.stats().released], [6, 6]);
        assert.match((await stage.queue.getFailed())[0]?.failedReason ?? '', /insufficient funds/);
      });
      assert.deepEqual(await stage.balances(), before);
    }));

  it('a job whose connection is killed in its transaction is done at the next attempt, once', () =>
    onStage(async (stage) => {
      const before = await stage.balances();
      const [order] = orders(1) as [Order];
      await withLocalWorker(stage, async () => {
        await stage.connection.beginTransaction();
        await stage.connection.query('SELECT * FROM accounts WHERE id = ? FOR UPDATE', [order.from]);
        await stage.enqueue([order]);
        const stuck = await eventually(async () => {
          const thread = (await stage.threads()).find(({ statement }) => statement?.includes('FOR UPDATE'));
          return thread ?? assert.fail('the job has not come so far');
        });
        await stage.watcher.disconnect(stuck.id);
        await stage.connection.rollback();
        await stage.untilCompleted(1);
        assert.equal((await stage.queue.getCompleted())[0]?.attemptsMade, 2);
      });
      await stage.assertDoneOnce([order], before);
    }));

  it('a wrapped processor that declares a place for the signal is given one', () =>
    onStage(async (stage) => {
      const pool = createPool({ uri: stage.account.url, max: 1 });
      const aborted: unknown[] = [];
      const process = pool.wrap(async (db, _job, _token: string | undefined, signal?: AbortSignal) => {
        await db.query({ sql: 'SELECT SLEEP(600)', ...(signal && { signal }) }).catch((error) => {
          aborted.push(error);
        });
      });
      const worker = new Worker(QUEUE, process, stage.place);
      try {
        await stage.enqueue(orders(1));
        await eventually(() => assert.equal(pool.stats().leased, 1));
        worker.cancelAllJobs('enough');
        await eventually(() => assert.equal(aborted.length, 1));
        await isQuiet(pool);
      } finally {
        await pool.close({ timeoutMs: 0 });
        await worker.close();
      }
    }));

  for (const flags of [[], ['--processes'], ['--threads']]) {
    describe(`worker-cli.js ${flags.join('') || 'without flags'}`, () => {
      it('SIGTERM under load: jobs under way are done, the process ends by itself, the next one does the rest', () =>
        onStage(async (stage) => {
          const before = await stage.balances();
          const wanted = orders(200);
          await stage.enqueue(wanted);
          await stage.withWorker(flags, async (program) => {
            await stage.untilCompleted(20);
            await assertEndsWell(program);
          });
          await stage.untilNoThreads();
          assert.equal(await stage.queue.getActiveCount(), 0);
          assert.equal(await stage.queue.getFailedCount(), 0);
          await stage.withWorker(flags, async (program) => {
            await stage.untilCompleted(200);
            await assertEndsWell(program);
          });
          await stage.untilNoThreads();
          await stage.assertDoneOnce(wanted, before);
        })).timeout(60_000);
    });
  }

  it('a sandboxed process has one connection; killed in its transaction it leaves none, and the job is done once', () =>
    onStage(async (stage) => {
      const before = await stage.balances();
      const [order, next] = orders(2) as [Order, Order];
      await stage.withWorker(['--processes'], async (program) => {
        await stage.connection.beginTransaction();
        await stage.connection.query('SELECT * FROM accounts WHERE id = ? FOR UPDATE', [order.from]);
        await stage.enqueue([order]);
        await eventually(async () => {
          const [thread, ...others] = await stage.threads();
          assert.match(thread?.statement ?? '', /FOR UPDATE/);
          assert.deepEqual(others, []);
        }, 15_000);
        const [child, ...others] = await childrenOf(program.process.pid);
        assert.deepEqual([typeof child, others], ['number', []]);
        process.kill(child as number, 'SIGKILL');
        await eventually(async () =>
          assert.ok(!(await childrenOf(program.process.pid)).includes(child as number)),
        );
        await stage.connection.rollback();
        await stage.untilCompleted(1);
        await stage.enqueue([next]);
        await stage.untilCompleted(2);
        program.process.kill('SIGTERM');
        const { code, stderr } = await within(EXIT_MS, 'the end of the worker', program.ended);
        assert.equal(code, 0);
        assert.match(stderr, /^order-\S+: Unexpected exit code: null signal: SIGKILL\n$/);
      });
      await stage.untilNoThreads();
      await stage.assertDoneOnce([order, next], before);
    })).timeout(60_000);

  it('sandboxed processes do not outlive a worker that is killed', () =>
    onStage(async (stage) => {
      await stage.enqueue(orders(20));
      await stage.withWorker(['--processes'], async (program) => {
        await stage.untilCompleted(20);
        assert.ok((await childrenOf(program.process.pid)).length > 0);
        assert.ok((await stage.threads()).length > 0);
        program.process.kill('SIGKILL');
        // Sooner than their idleTimeoutMs would end the connections.
        await eventually(async () => assert.deepEqual(await stage.threads(), []), 8_000);
      });
    })).timeout(60_000);

  it('enqueue-cli.js, a producer, ends when its jobs are in the queue', () =>
    onStage(async (stage) => {
      const { code, stdout, stderr } = await withProgram(
        compiled('jobs/enqueue-cli.js'),
        stage.env,
        ({ ended }) => ended,
        ['7'],
      );
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '7 transfers enqueued.\n', stderr: '' });
      assert.equal(await stage.queue.getWaitingCount(), 7);
    }));
});

describe('example: a script', () => {
  before(() => seed(databaseUrl()));

  it('audit.js, as cron starts it, says its result and ends', async () => {
    const { code, stdout, stderr } = await withProgram(
      compiled('jobs/audit.js'),
      { DATABASE_URL: databaseUrl() },
      ({ ended }) => ended,
    );
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 0, stdout: '50 accounts, 50000 in total.\n', stderr: '' },
    );
  });
});
