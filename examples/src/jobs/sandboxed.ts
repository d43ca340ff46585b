import { createPool } from '@handback/core';
import type { SandboxedJob } from 'bullmq';
import { readDatabaseUrl } from '../shared/settings.js';
import { type Order, transferOnce } from './order.js';

/**
 * What runs in each child process (or thread) of a sandboxed worker. The process has one job at a time: one connection.
 *
 * Nothing closes the pool, and nothing has to. On `worker.close()` BullMQ sends SIGTERM; the child finishes its job,
 * answers, and calls process.exit(). Then no statement runs any more, and the server ends the session of the socket that
 * the process leaves. Of a child that is killed in the middle (SIGKILL, out of memory) the server rolls the transaction
 * back, and BullMQ has the job done again.
 *
 * Between jobs the connection is idle, and goes after `idleTimeoutMs`. It would keep a child whose parent was killed.
 */
const pool = createPool({
  uri: readDatabaseUrl(process.env),
  name: 'sandboxed',
  max: 1,
  idleTimeoutMs: 10_000,
});

process.once('disconnect', () => void pool.close());

export default pool.wrap((db, job: SandboxedJob<Order>) => transferOnce(db, job.data), {
  name: 'job transfers',
});
