import { createPool } from '@handback/core';

/**
 * One of many processes at the same server: `fork('worker.js', [max])`, DATABASE_URL in the environment. It connects, says
 * `ready`, works with all the connections it can get from `go` on, and tells after `stop` what became of that.
 */
export interface Told {
  readonly succeeded: number;
  /** Requests that failed, by their code and cause. */
  readonly failed: Record<string, number>;
  /** Connections it has at the end. */
  readonly connections: number;
  /** What it was warned of. */
  readonly warnings: string[];
}

const { DATABASE_URL: uri = '' } = process.env;
const max = Number(process.argv[2]);
const pool = createPool({ uri, max, acquireTimeoutMs: 10_000 });
const warnings: string[] = [];
pool.events.on('warning', ({ message }) => warnings.push(message));

const failed: Record<string, number> = {};
let succeeded = 0;
let over = false;

function succeed(): void {
  succeeded++;
}

function fail(error: Error & { code?: string; cause?: { code?: string } }): void {
  const { code = error.name, cause } = error;
  const key = cause?.code ? `${code} (${cause.code})` : code;
  failed[key] = (failed[key] ?? 0) + 1;
}

async function work(): Promise<void> {
  while (!over) {
    await pool.run((db) => db.query('SELECT SLEEP(0.02)')).then(succeed, fail);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

await pool.warm();
process.send?.('ready');
let working: Promise<unknown> | undefined;
process.on('message', async (message) => {
  if (message === 'go') {
    working = Promise.all(Array.from({ length: 2 * max }, work));
  }
  if (message !== 'stop') return;
  over = true;
  await working;
  const { idle, leased, resetting } = pool.stats();
  await pool.close();
  const told: Told = { succeeded, failed, connections: idle + leased + resetting, warnings };
  process.send?.(told, () => process.disconnect());
});
