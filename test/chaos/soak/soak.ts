import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { audit, wrongsOf } from '../bank.js';
import { schemas, total } from '../faults/schema.js';
import { openStage, type Stage } from '../faults/stage.js';
import { Random } from '../random.js';
import { Child } from '../support/child.js';
import { appFile, appTask, loadFile, loadTask } from '../support/tasks.js';
import { type AppState, type Fates, type FaultName, faultNames } from '../types.js';
import type { SoakOptions } from './options.js';
import { type Sampled, sampleOf } from './sampler.js';
import { socketsOf } from './sockets.js';
import { closely, oneAMinute, Trouble } from './trouble.js';
import { judge, MEASURES, type Remains, type Row, type Sample } from './verdict.js';

const REQUESTS_PER_SECOND = 50;
const SAMPLE_EVERY_MS = 5_000;
const MINUTE_MS = 60_000;
/** Of the whole time. */
export const WARM_UP_SHARE = 0.25;
/** In a few minutes, so many as the engine needs to have compiled for good what they run. */
const WARM_UP_RATE = 200;

export interface SoakResult {
  rows: Row[];
  remains: Remains;
  samples: Sample[];
  faults: FaultName[];
}

export interface Running {
  stage: Stage;
  app: Child;
  load: Child;
  port: number;
}

/** One fault a minute under a constant load, and what grows meanwhile. */
export async function soak(
  options: SoakOptions,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<SoakResult> {
  return withAll(options, async (running) => {
    const sampled = sampledOf(running);
    const durationMs = options.minutes * MINUTE_MS;
    await warmUp(running, options.seed, WARM_UP_SHARE * durationMs, log, signal);
    const trouble = new Trouble(running);
    const lastsMs = (1 - WARM_UP_SHARE) * durationMs;
    const suffering = trouble.run(options.seed, lastsMs, oneAMinute(lastsMs), signal);
    const sampling = sampleFor(lastsMs, { running, sampled, trouble, log, signal });
    const [samples] = await Promise.all([sampling, suffering]);
    const remains = await remainsOf(running, sampled);
    const limits = { ...MEASURES, 'heap without code, MiB': options.heapLimit };
    return { rows: judge(samples, limits), remains, samples, faults: trouble.faults };
  });
}

/** Under more load and more faults than later: whatever happens for the first time happens here. */
async function warmUp(
  running: Running,
  seed: number,
  durationMs: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const trouble = new Trouble(running);
  await running.load.ask('rate', WARM_UP_RATE);
  await trouble.run(seed, durationMs, closely(durationMs), signal);
  await running.load.ask('rate', REQUESTS_PER_SECOND);
  const kinds = new Set(trouble.faults).size;
  log(`warmed up: ${served(running)} requests served, ${kinds} of ${faultNames.length} kinds of faults met`);
}

interface Sampling {
  running: Running;
  sampled: Sampled;
  trouble: Trouble;
  log: (line: string) => void;
  signal: AbortSignal;
}

async function sampleFor(durationMs: number, sampling: Sampling): Promise<Sample[]> {
  const { sampled, trouble, log, signal } = sampling;
  const samples: Sample[] = [];
  const start = performance.now();
  let told = 0;
  while (performance.now() - start < durationMs && !signal.aborted) {
    await sleep(Math.min(SAMPLE_EVERY_MS, durationMs / 12), undefined, { signal }).catch(() => {});
    const elapsed = performance.now() - start;
    if (trouble.isOver && !signal.aborted) samples.push(await sampleOf(sampled, elapsed / (60 * MINUTE_MS)));
    if (Math.floor(elapsed / MINUTE_MS) > told) log(progress(++told, samples, sampling));
  }
  return samples;
}

function progress(minute: number, samples: Sample[], { running, trouble }: Sampling): string {
  const values = samples.at(-1)?.values;
  const heap = values ? values['heap without code, MiB'].toFixed(2) : '?';
  const fault = trouble.faults.at(-1) ?? 'none';
  return `minute ${minute}: ${served(running)} requests served, heap ${heap} MiB, last fault: ${fault}`;
}

/** Since the start. */
function served({ load }: Running): number {
  return Object.entries(load.counts).reduce(
    (sum, [name, count]) => sum + (/ 200$/.test(name) ? count : 0),
    0,
  );
}

function sampledOf({ app, stage, port }: Running): Sampled {
  const databasePort = Number(new URL(stage.databaseUrl).port);
  return { app, admin: stage.admin, httpPort: port, databasePort };
}

async function withAll<T>(
  { framework, seed }: SoakOptions,
  work: (running: Running) => Promise<T>,
): Promise<T> {
  const random = new Random(seed);
  const stage = await openStage({ random });
  const children: Child[] = [];
  try {
    const app = new Child(appFile, { ...appTask(stage, framework, 'handback'), seed }, ['--expose-gc']);
    children.push(app);
    const port = await app.ready();
    const load = new Child(loadFile, loadTask(port, { requestsPerSecond: REQUESTS_PER_SECOND, seed }));
    children.push(load);
    await load.ready();
    stage.clients = {
      misbehave: (kind) => load.ask('misbehave', kind),
      behave: () => load.ask('misbehave', null),
    };
    return await work({ stage, app, load, port });
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await stage.close();
  }
}

const SETTLES_WITHIN_MS = 5_000;

/** When the load is over, and a moment has passed. */
async function remainsOf(
  { stage, app, load }: Running,
  { httpPort, databasePort }: Sampled,
): Promise<Remains> {
  await load.ask('end');
  const fates = await load.ask<Fates>('fates');
  const left = await settled(async () => {
    const { leased = 0, pending = 0 } = await app.ask<AppState>('state');
    const sockets = await socketsOf(httpPort, databasePort);
    const closeWait = (sockets?.clients.CLOSE_WAIT ?? 0) + (sockets?.database.CLOSE_WAIT ?? 0);
    return { leased, pending, closeWait };
  });
  // What was measured for so long is told even so.
  const bank = await wrongsIn(stage, fates).catch((error) => [`nobody knows of the bank: ${error.message}`]);
  const violations = app.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`);
  return { ...left, violations, bank };
}

async function wrongsIn({ server }: Stage, fates: Fates): Promise<string[]> {
  const bank = await createConnection({ uri: server.url, database: schemas.main });
  return audit(bank, fates, total)
    .then(wrongsOf)
    .finally(() => bank.end());
}

/** What is left, which may take a moment to go. */
async function settled<T extends Record<string, number>>(look: () => Promise<T>): Promise<T> {
  const end = performance.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const left = await look();
    const isClean = Object.values(left).every((count) => count === 0);
    if (isClean || performance.now() > end) return left;
    await sleep(100);
  }
}
