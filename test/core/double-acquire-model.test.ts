import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TestPool } from './fixture.js';

/** Takes so many connections one after another, with pauses between, and gives them all back at the end. */
interface Plan {
  startsAt: number;
  connections: number;
  pauseMs: number;
  /** By `pool.acquire()`, or the first by its own scope. */
  scopeFirst: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  startsAt: fc.integer({ min: 0, max: 30 }),
  connections: fc.integer({ min: 1, max: 3 }),
  pauseMs: fc.constantFrom(0, 1, 7, 20),
  scopeFirst: fc.boolean(),
});

class Job {
  held = 0;
  waits = false;
  outcome: 'done' | 'refused' | null = null;
}

function after(test: TestPool, ms: number): Promise<void> {
  return new Promise((resolve) => {
    test.clock.after(ms, resolve);
  });
}

async function perform(test: TestPool, job: Job, { startsAt, connections, pauseMs, scopeFirst }: Plan) {
  await after(test, startsAt);
  await test.pool.run(async (db) => {
    const leases: { release(): void }[] = [];
    try {
      for (let n = 0; n < connections; n++) {
        job.waits = true;
        if (n === 0 && scopeFirst) await db.query('SELECT 1');
        else leases.push(await test.pool.acquire());
        job.waits = false;
        job.held++;
        await after(test, pauseMs);
      }
      job.outcome = 'done';
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'DOUBLE_ACQUIRE');
      job.outcome = 'refused';
    } finally {
      job.waits = false;
      job.held = 0;
      for (const lease of leases) lease.release();
    }
  });
}

const seed = Number(process.env.HANDBACK_SEED ?? Date.now() % 1_000_000);

describe('onDoubleAcquire: error, whoever takes how many connections when', () => {
  it(`lets everybody end, and refuses only where all who hold a connection wait (seed ${seed})`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        async (plans, max) => {
          const test = new TestPool({
            max,
            context: true,
            onDoubleAcquire: 'error',
            acquireTimeoutMs: Number.POSITIVE_INFINITY,
            maxOpening: 4,
          });
          const jobs = plans.map(() => new Job());
          test.observe('acquireFailed', ({ code }) => {
            assert.equal(code, 'DOUBLE_ACQUIRE');
            assert.equal(test.stats().leased, max, 'a connection was free, or being opened');
            const holding = jobs.filter(({ held }) => held > 0);
            assert.ok(
              holding.every(({ waits }) => waits),
              'one who holds a connection waited for none',
            );
          });
          const all = Promise.all(plans.map((each, n) => perform(test, jobs[n] as Job, each)));
          let settled = false;
          void all.finally(() => {
            settled = true;
          });
          for (let ms = 0; ms < 2_000 && !settled; ms++) await test.clock.advance(1);
          assert.deepEqual(
            jobs.map(({ outcome }) => outcome !== null),
            jobs.map(() => true),
            'somebody waits for ever',
          );
          await all;
          await test.clock.settle();
          assert.deepEqual([test.stats().leased, test.stats().pending], [0, 0]);
          // Who takes one at most is in nobody's way.
          for (const [n, { connections }] of plans.entries())
            if (connections === 1) assert.equal(jobs[n]?.outcome, 'done');
        },
      ),
      { numRuns: 400, seed },
    )).timeout(120_000);
});
