import { Channel, taskOf } from '../channel.js';
import type { AppState, AppTask } from '../types.js';
import { startApp } from './app.js';
import { watchProcess } from './evidence/process-watch.js';
import { memoryOf } from './memory.js';

// The process under test.

const COUNTS_EVERY_MS = 1_000;

const channel = new Channel();
const app = await startApp(taskOf<AppTask>(), channel.send);
const { evidence, contender } = app;
watchProcess(evidence);

const sendCounts = () => {
  const counts = { ...evidence.counts, 'settled late': evidence.deadlines.settledLate };
  channel.send({ kind: 'counts', counts });
};
const counting = setInterval(sendCounts, COUNTS_EVERY_MS);

channel.onFaults = ({ active }) => evidence.faults(active);
channel.answer('stats', () => contender.stats());
channel.answer('state', state);
channel.answer('memory', () => memoryOf(contender.emitters ?? []));
channel.answer('counts', () => evidence.counts);
channel.answer('end', async () => {
  clearInterval(counting);
  await app.end();
  sendCounts();
});
channel.onStop = async () => clearInterval(counting);
channel.send({ kind: 'ready', port: app.port });

async function state(): Promise<AppState> {
  const { open: connections, max: _max, ...stats } = contender.stats();
  const { heapUsed: heapBytes, handles: resources } = await memoryOf([]);
  const { 'event:acquire': acquireEvents, 'event:release': releaseEvents } = evidence.counts;
  const events = acquireEvents === undefined ? {} : { acquireEvents, releaseEvents: releaseEvents ?? 0 };
  return { ...stats, ...events, connections, heapBytes, resources };
}
