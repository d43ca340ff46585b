import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Account, withAccount } from '@handback/contract/support/account.js';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import type { Queue } from 'bullmq';
import type { Order } from 'handback-examples/dist/jobs/order.js';
import { enqueue, openQueue, type Place } from 'handback-examples/dist/jobs/queue.js';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { compiled } from './examples.js';
import { type Program, withProgram } from './processes.js';

const WORKER = compiled('jobs/worker-cli.js');

export function orders(count: number, changes: Partial<Order> = {}): Order[] {
  return Array.from({ length: count }, (_, n) => ({
    id: randomUUID(),
    from: 20 + (n % 5),
    to: 25 + (n % 3),
    amount: 1,
    ...changes,
  }));
}

/** Everything that a case needs, and that is gone after it. */
export class Stage {
  readonly place: Place;
  readonly queue: Queue<Order, string>;
  readonly account: Account;
  readonly watcher: ServerWatcher;
  /** A session of the test's own. */
  readonly connection: Connection;

  constructor(url: string, account: Account, watcher: ServerWatcher, connection: Connection) {
    this.place = { connection: { url }, prefix: `handback_test_${randomUUID()}` };
    this.queue = openQueue(this.place);
    this.account = account;
    this.watcher = watcher;
    this.connection = connection;
  }

  async enqueue(wanted: Order[]): Promise<void> {
    for (const order of wanted) await enqueue(this.queue, order);
  }

  /** The program that works on the queue. */
  withWorker<T>(flags: string[], work: (program: Program) => Promise<T>): Promise<T> {
    return withProgram(WORKER, { DATABASE_URL: this.account.url, ...this.env }, work, flags);
  }

  get env(): Record<string, string> {
    return { REDIS_URL: this.place.connection.url, JOBS_PREFIX: this.place.prefix };
  }

  completed(): Promise<number> {
    return this.queue.getCompletedCount();
  }

  untilCompleted(count: number): Promise<void> {
    return eventually(async () => assert.ok((await this.completed()) >= count, 'not completed'), 30_000);
  }

  threads() {
    return this.watcher.threadsOf(this.account.name);
  }

  untilNoThreads(): Promise<void> {
    return eventually(async () => assert.deepEqual(await this.threads(), []), 15_000);
  }

  async balances(): Promise<Map<number, number>> {
    const [rows] = await this.connection.query<RowDataPacket[]>('SELECT id, balance FROM accounts');
    return new Map(rows.map(({ id, balance }) => [id, balance]));
  }

  /** Each order was booked once, and the balances are what the orders make of those before. */
  async assertDoneOnce(wanted: Order[], before: Map<number, number>): Promise<void> {
    const ids = wanted.map(({ id }) => id);
    const [booked] = await this.connection.query<RowDataPacket[]>(
      'SELECT id FROM transfers WHERE id IN (?)',
      [ids],
    );
    assert.deepEqual(booked.map(({ id }) => id).sort(), [...ids].sort());
    const expected = new Map(before);
    for (const { from, to, amount } of wanted) {
      expected.set(from, (expected.get(from) ?? 0) - amount);
      expected.set(to, (expected.get(to) ?? 0) + amount);
    }
    assert.deepEqual(await this.balances(), expected);
  }
}

/** On the Redis that is there, with an account of its own. */
export async function withStage(redisUrl: string, work: (stage: Stage) => Promise<void>): Promise<void> {
  await withAccount('', async (account) => {
    const watcher = await ServerWatcher.open();
    const connection = await createConnection(databaseUrl());
    const stage = new Stage(redisUrl, account, watcher, connection);
    try {
      await work(stage);
    } finally {
      await stage.queue.obliterate({ force: true });
      await stage.queue.close();
      await connection.end();
      await watcher.close();
    }
  });
}
