import { readFileSync } from 'node:fs';
import { AppProcess } from '../http/app-process.js';
import { Load } from '../http/load.js';
import type { AppTask } from '../http/orders.js';
import { paths, type Route } from '../http/work.js';
import { type CpuProfile, type Tally, tally } from './tally.js';

const CONNECTIONS = 10;
/** Until its functions are compiled as they will stay. */
const WARM_UP_REQUESTS = 8_000;

export interface RecordOptions {
  task: AppTask;
  route: Route;
  requests: number;
  /** Where the profile is written to. */
  file: string;
  signal: AbortSignal;
}

/** Profiles one application at work, in its own process. */
export async function record({ task, route, requests, file, signal }: RecordOptions): Promise<Tally> {
  const app = await AppProcess.start(task, signal);
  try {
    const load = await Load.open(app.port, CONNECTIONS);
    try {
      await load.run(paths[route], WARM_UP_REQUESTS);
      await app.startProfile();
      await load.run(paths[route], requests);
      await app.writeProfile(file);
    } finally {
      load.close();
    }
  } finally {
    await app.stop();
  }
  return tally(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile);
}
