import { setTimeout as sleep } from 'node:timers/promises';
import { type Lender, type LenderTask, openLender, warm } from '../lend/lender.js';
import { taskOf } from '../measure/child.js';
import { answer } from '../measure/worker-side.js';
import { type Call, now } from './call.js';

// Makes calls at a steady pace, whatever becomes of them.

export interface CallerTask {
  lender: LenderTask;
  perSecond: number;
  sql: string;
}

type Record = { -readonly [Key in keyof Call]: Call[Key] };

const { lender: lenderTask, perSecond, sql } = taskOf<CallerTask>();
const lender = openLender(lenderTask);
const calls: Record[] = [];
let running = 0;
let stopped = false;

async function call(on: Lender, record: Record): Promise<void> {
  const lent = await on.acquire();
  record.granted = now();
  try {
    await lent.query(sql);
  } finally {
    await lent.release();
  }
}

function begin(asked: number): void {
  const record: Record = { asked, granted: null, ended: null, error: null };
  calls.push(record);
  running++;
  call(lender, record)
    .catch((error: Error & { code?: string }) => {
      record.error = error.code ?? error.message;
    })
    .finally(() => {
      record.ended = now();
      running--;
    });
}

/** Those that were due while this process was busy are made up for. */
async function keepCalling(): Promise<void> {
  const intervalMs = 1_000 / perSecond;
  for (let due = now(); !stopped; due += intervalMs) {
    while (due > now()) await sleep(Math.max(1, due - now()));
    begin(due);
  }
}

/** No new calls; waits for those that run, at most so long. */
async function stop(withinMs: number): Promise<Call[]> {
  stopped = true;
  const until = now() + withinMs;
  while (running > 0 && now() < until) await sleep(20);
  return calls;
}

await warm(lender, lenderTask.max);
answer({ start: () => void keepCalling(), stop });
