import type { AppProcess } from '../http/app-process.js';
import { Load } from '../http/load.js';
import { paths } from '../http/work.js';

/** User and system time per request with one query, in microseconds, while `clients` ask at the same time. */
export async function cpuWith(app: AppProcess, clients: number, requests: number): Promise<number> {
  const load = await Load.open(app.port, clients);
  try {
    // Each connection has had its first request, and the pool has opened what it may.
    await load.run(paths.one, Math.max(clients, 200));
    const before = await app.cpuUs();
    await load.run(paths.one, requests);
    return ((await app.cpuUs()) - before) / requests;
  } finally {
    load.close();
  }
}
