/**
 * The watcher of a run: a process of its own, with an account of its own, straight to the server. What it sees is the
 * server's word, whatever the process under test believes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Channel, taskOf } from '../channel.js';
import type { Violation, WatcherTask } from '../types.js';
import { Balance } from './balance.js';
import { PatientConnection } from './patient-connection.js';
import { findRemains } from './remains.js';
import { ThreadCount } from './threads.js';

const samplesPerSecond = 20;
const countsMs = 1_000;

const task = taskOf<WatcherTask>();
const channel = new Channel();
let over = false;

const report = (violation: Violation) => channel.send({ kind: 'violation', ...violation });
const connections = [0, 1, 2].map(() => new PatientConnection(task.databaseUrl));
const [forThreads, forBalance, forRemains] = connections as [
  PatientConnection,
  PatientConnection,
  PatientConnection,
];
const threads = new ThreadCount(forThreads, task, report);
const balance = new Balance(forBalance, task, report);

/** One look after another, each at its time; one that took longer is not made up for. */
async function every(ms: number, look: () => Promise<void>): Promise<void> {
  while (!over) {
    const next = performance.now() + ms;
    await look();
    await sleep(Math.max(0, next - performance.now()));
  }
}

function tellCounts(): void {
  const { samples, most: mostThreads, above } = threads;
  channel.send({
    kind: 'counts',
    counts: {
      'checked:I6': samples,
      'violations:I6': above,
      mostThreads,
      'checked:I5': balance.reads,
      'violations:I5': balance.moves,
      lastTotal: balance.last ?? 0,
    },
  });
}

channel.answer('remains', () => findRemains(forRemains, task.appUser));
channel.answer('total', () => balance.read());
channel.answer('counts', tellCounts);
channel.onStop = async () => {
  over = true;
  tellCounts();
  for (const connection of connections) connection.close();
};

// The connections are there before the first fault: a full server lets nobody in.
await Promise.all(connections.map((connection) => connection.insist('SELECT 1')));
channel.send({ kind: 'ready' });
setInterval(tellCounts, countsMs).unref();
await Promise.all([
  every(1_000 / samplesPerSecond, () => threads.sample()),
  every(1_000, () => balance.look()),
]);
