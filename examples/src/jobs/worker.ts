import type { ConnectionPool } from '@handback/core';
import { type Job, Worker } from 'bullmq';
import { type Order, transferOnce } from './order.js';
import { type Place, QUEUE } from './queue.js';

/**
 * A worker whose jobs run in this process, on its one pool. Each job has a connection from its first query to its end,
 * whatever that is; how many there are at once is `concurrency`, and `max` should not be less, or jobs wait for each other:
 *
 *   connections = processes × min(concurrency, max)
 */
export function startWorker(pool: ConnectionPool, place: Place, concurrency: number): Worker<Order, string> {
  const transfer = pool.wrap((db, job: Job<Order>) => transferOnce(db, job.data), { name: 'job transfers' });
  return new Worker<Order, string>(QUEUE, transfer, { ...place, concurrency });
}

/**
 * A worker whose jobs run in child processes (or, with `useWorkerThreads`, in threads). Each of them loads sandboxed.js,
 * and with it a pool of its own, and stays for the next job until the worker is closed:
 *
 *   connections = processes × concurrency × max of the pool in sandboxed.js
 *
 * A child has one job at a time, so its `max` is 1. With 4 processes and a concurrency of 8 that makes 32. With the
 * default `max` of 10 it could be 320, twice the 151 that a MySQL or MariaDB server takes unless told otherwise.
 */
export function startSandboxedWorker(
  place: Place,
  concurrency: number,
  useWorkerThreads = false,
): Worker<Order, string> {
  const file = new URL('./sandboxed.js', import.meta.url);
  return new Worker<Order, string>(QUEUE, file, { ...place, concurrency, useWorkerThreads });
}
