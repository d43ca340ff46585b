import { setTimeout as sleep } from 'node:timers/promises';
import { Channel, taskOf } from '../channel.js';
import { Random } from '../random.js';
import type { LoadTask } from '../types.js';
import { Client, type Conduct, type Misbehaviour, misbehaviours } from './client.js';
import { Mix } from './mix.js';
import { Tally } from './tally.js';

// The clients of the process under test.

const COUNTS_EVERY_MS = 1_000;
const DEFAULT_RATE = 200;
/** On top of what the app may take for the longest of its routes. */
const MARGIN_MS = 2_000;

const task = taskOf<LoadTask>();
const { acquireTimeoutMs, queryTimeoutMs } = task.deadlines;
const conduct: Conduct = {
  port: task.port,
  deadlineMs: 2 * (acquireTimeoutMs + queryTimeoutMs) + MARGIN_MS,
  paceMs: paceOf(task.requestsPerSecond ?? DEFAULT_RATE),
  misbehave: null,
  stopped: false,
};
const channel = new Channel();
const tally = new Tally();
const random = new Random(task.seed);
const mix = new Mix(task.accounts, task.shares);
const clients = Array.from({ length: task.clients }, () => new Client(conduct, random.fork(), mix, tally));

const counting = setInterval(
  () => channel.send({ kind: 'counts', counts: { ...tally.counts } }),
  COUNTS_EVERY_MS,
);
channel.answer('fates', () => tally.fates);
channel.answer('buckets', () => tally.buckets);
channel.answer('seconds', () => tally.seconds);
channel.answer('counts', () => tally.counts);
channel.answer('misbehave', (value) => {
  conduct.misbehave = misbehaviours.find((name) => name === value) ?? (null as Misbehaviour | null);
});
channel.answer('rate', (requestsPerSecond) => {
  conduct.paceMs = paceOf(Number(requestsPerSecond));
});
// Its answer comes when the last request has got its own.
channel.answer('end', end);
channel.onStop = end;
channel.send({ kind: 'ready' });
const running = Promise.all(clients.map((client) => client.run()));

/** Of each client, for so many requests of all together. */
function paceOf(requestsPerSecond: number): number {
  return (1_000 * task.clients) / requestsPerSecond;
}

async function end(): Promise<void> {
  conduct.stopped = true;
  clearInterval(counting);
  await Promise.race([running, sleep(conduct.deadlineMs)]);
}
