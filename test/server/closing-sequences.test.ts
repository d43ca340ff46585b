import { strict as assert } from 'node:assert';
import { type Account, withAccount } from '@handback/contract/support/account.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { type ConnectionPool, createPool } from '@handback/core';
import fc from 'fast-check';
import { times } from '../support/times.js';

type Step = 'query' | 'sleep' | 'acquire' | 'release' | 'transaction' | 'stream' | 'warm' | 'close' | 'wait';

const step: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  ...(['query', 'sleep', 'acquire', 'release', 'transaction', 'stream', 'warm', 'wait', 'wait'] as const),
);
/** Something, the end, and something behind it: another close() among it. */
const sequence = fc.record({
  before: fc.array(step, { maxLength: 6 }),
  timeoutMs: fc.constantFrom(0, 5, 1_000),
  after: fc.array(fc.oneof(step, fc.constant<Step>('close')), { maxLength: 4 }),
});

const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Takes the steps without waiting for what they come to, which is a promise each. */
class Sequence {
  readonly #pool: ConnectionPool;
  readonly #leases: Promise<{ release(): void }>[] = [];
  readonly promises: Promise<unknown>[] = [];

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async take(what: Step, timeoutMs: number): Promise<void> {
    const pool = this.#pool;
    const steps: Record<Step, () => Promise<unknown> | undefined> = {
      query: () => pool.query('SELECT 1'),
      sleep: () => pool.query('SELECT SLEEP(0.02)'),
      acquire: () => this.#acquire(),
      release: () => this.#leases.shift()?.then((lease) => lease.release()),
      transaction: () => pool.transaction((tx) => tx.query('SELECT SLEEP(0.01)')),
      stream: () => pool.stream('SELECT seq FROM seq_1_to_2000').toArray(),
      warm: () => pool.warm(),
      close: () => pool.close({ timeoutMs }),
      wait: () => new Promise((resolve) => setTimeout(resolve, 3)),
    };
    const promise = steps[what]();
    if (!promise) return;
    // Whatever it is refused for; that it is answered is what counts.
    this.promises.push(promise.catch(() => {}));
    if (what === 'wait') await promise;
  }

  #acquire(): Promise<unknown> {
    const lease = this.#pool.acquire();
    this.#leases.push(lease);
    lease.catch(() => {});
    return lease;
  }
}

describe('close() in the middle of anything', () => {
  const RUNS = times(150);

  it(`leaves no promise open, and no session on the server, ${RUNS} times (HANDBACK_SEED=${seed})`, () =>
    withAccount('', async (account) => {
      const watcher = await ServerWatcher.open();
      try {
        await fc.assert(
          fc.asyncProperty(sequence, (steps) => play(steps, account, watcher)),
          { numRuns: RUNS, seed, endOnFailure: true },
        );
      } finally {
        await watcher.close();
      }
    })).timeout(60_000 * Math.max(1, RUNS / 150));
});

async function play(
  { before, timeoutMs, after }: { before: Step[]; timeoutMs: number; after: Step[] },
  account: Account,
  watcher: ServerWatcher,
): Promise<void> {
  const pool = createPool({ uri: account.url, max: 3, drainTimeoutMs: 10 });
  pool.events.on('warning', () => {});
  const taken = new Sequence(pool);
  for (const each of before) await taken.take(each, timeoutMs);
  const closing = pool.close({ timeoutMs });
  for (const each of after) await taken.take(each, timeoutMs);
  await within(10_000, 'close()', closing);
  await within(10_000, 'all that was asked for', Promise.all(taken.promises));
  await assert.rejects(pool.acquire(), { code: 'POOL_CLOSED' });
  await eventually(async () => assert.deepEqual(await watcher.threadsOf(account.name), []));
  const { opened, closed } = pool.stats();
  assert.equal(opened, closed);
}
