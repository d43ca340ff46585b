import { createPool } from '@handback/core';
import { failWith } from '../shared/fail.js';
import { readDatabaseUrl, readRedisPlace } from '../shared/settings.js';
import { startSandboxedWorker, startWorker } from './worker.js';

// DATABASE_URL=mysql://… REDIS_URL=redis://… node examples/dist/jobs/worker-cli.js [--processes | --threads]
const CONCURRENCY = 4;

interface Running {
  on: string;
  /** First the jobs: no new ones, those under way to their end. Then their connections. Nothing keeps the process then. */
  close(): Promise<void>;
}

/** Each job in this process. */
async function inProcess(): Promise<Running> {
  const pool = createPool({ uri: readDatabaseUrl(process.env), name: 'worker', max: CONCURRENCY });
  const worker = watched(startWorker(pool, readRedisPlace(process.env), CONCURRENCY));
  await worker.waitUntilReady();
  return { on: 'in this process', close: () => worker.close().then(() => pool.close()) };
}

/** Each job in one of its own, or in a thread; the pools are there. */
async function sandboxed(inThreads: boolean): Promise<Running> {
  const worker = watched(startSandboxedWorker(readRedisPlace(process.env), CONCURRENCY, inThreads));
  await worker.waitUntilReady();
  return { on: inThreads ? 'in threads' : 'in processes', close: () => worker.close() };
}

function watched(worker: ReturnType<typeof startWorker>) {
  worker.on('failed', (job, error) => console.error(`${job?.id}: ${error.message}`));
  worker.on('error', (error) => console.error(error.message));
  return worker;
}

try {
  const how = process.argv[2];
  const { on, close } = how ? await sandboxed(how === '--threads') : await inProcess();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void close().catch(failWith));
  console.log(`Working ${on}.`);
} catch (error) {
  failWith(error);
}
