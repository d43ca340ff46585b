import { setTimeout as sleep } from 'node:timers/promises';
import { arrivals, onSchedule, type Schedule } from './arrivals.js';
import { taskOf } from './child.js';
import { Clients } from './clients.js';
import { answer } from './worker-side.js';

// The clients of an app, in a process of their own: they are as many as they are, however slow the app gets.

export interface OpenLoad {
  path: string;
  schedule: Schedule;
  /** After the last arrival. */
  patienceMs: number;
}

export interface ClosedLoad {
  path: string;
  clients: number;
  durationMs: number;
}

/** One request, in ms: when it was due, how long it took from then; status 0 = no answer. */
export type Outcome = [at: number, took: number, status: number];

const { port } = taskOf<{ port: number }>();
const clients = new Clients(port);

async function open({ path, schedule, patienceMs }: OpenLoad): Promise<Outcome[]> {
  const times = arrivals(schedule);
  const outcomes: Outcome[] = times.map((at) => [at, Number.POSITIVE_INFINITY, 0]);
  await onSchedule(times, (index, due) => {
    clients.get(path).then((status) => {
      outcomes[index] = [times[index] as number, performance.now() - due, status];
    });
  });
  await sleep(patienceMs);
  // JSON has no Infinity.
  return outcomes.map(([at, took, status]) => [at, status === 0 ? -1 : took, status]);
}

/** Each client asks again when it has its answer. @returns answers with status 200 per second */
async function closed({ path, clients: count, durationMs }: ClosedLoad): Promise<number> {
  const start = performance.now();
  let answers = 0;
  const one = async () => {
    while (performance.now() - start < durationMs) {
      const status = await clients.get(path);
      if (status === 200 && performance.now() - start < durationMs) answers++;
      if (status !== 200) await sleep(10);
    }
  };
  await Promise.race([Promise.all(Array.from({ length: count }, one)), sleep(durationMs)]);
  return answers / (durationMs / 1_000);
}

answer({ open, closed });
