import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestText } from '@handback/contract/support/http-message.js';
import { type RunningApp, withApp } from '../app/run-app.js';
import type { Figure } from '../figure.js';
import type { ClosedLoad } from '../measure/load.js';
import { median, rangeOf } from '../measure/median.js';
import { withBenchServer } from '../measure/server.js';
import type { Stage } from '../part.js';
import { appTask, httpContenders } from './http-contenders.js';

const MAX = 10;
const READERS = 15;
const ROUNDS = 3;
const CLIENTS = 10;
const DURATION_MS = 1_200;
/** A reader takes what came, at most 64 KiB, and then nothing for so long. */
const PAUSE_MS = 100;

/** Whose client reads on, however slowly: nothing tells `close` from `finish`. */
const { close: _close, ...contenders } = httpContenders;

/** Row 15: clients that read a large response slowly, and what is left for the others. */
export async function slowReaders({ signal, progress }: Stage): Promise<Figure[]> {
  const shares = await withBenchServer({ signal }, async ({ url }) => {
    const found: [string, number[]][] = [];
    for (const contender of Object.values(contenders)) {
      const its = await withApp(appTask(contender, url, MAX), signal, keptShares);
      progress(`slow readers, ${contender.name}: other routes keep ${median(its).toFixed(2)} of their rate`);
      found.push([contender.name, its]);
    }
    return found;
  });
  const [[, own] = ['', []], ...others] = shares;
  return [
    {
      row: 15,
      id: 'slow-readers',
      metric: `${READERS} slow downloaders, pool of ${MAX}: what the other routes keep of their rate`,
      unit: 'share',
      relativeTo: 'the same without them',
      handback: median(own),
      range: rangeOf(own),
      peers: Object.fromEntries(others.map(([name, its]) => [name, median(its)])),
      target: { atLeast: 0.9 },
      note: `12 MB after one query, read at 64 KiB every ${PAUSE_MS} ms; ${CLIENTS} other clients ask for a route with one query of 20 ms.`,
      raw: Object.fromEntries(shares),
    },
  ];
}

/** The rate with them relative to that without, side by side. */
async function keptShares({ app, clients }: RunningApp): Promise<number[]> {
  const load: ClosedLoad = { path: '/query', clients: CLIENTS, durationMs: DURATION_MS };
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const without = await clients.ask<number>('closed', load);
    const readers = Array.from({ length: READERS }, () => new SlowReader(app.ready));
    // Half a second for their queries, and for as much of the answers as the kernel takes.
    await sleep(500);
    const kept = await clients.ask<number>('closed', load);
    for (const reader of readers) reader.leave();
    // Where nothing is left even without them, the readers before have taken the connections for good.
    shares.push(without === 0 ? 0 : kept / without);
    await sleep(300);
  }
  return shares;
}

class SlowReader {
  readonly #socket;

  constructor(port: number) {
    const socket = connect({ port, host: '127.0.0.1' });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), PAUSE_MS);
    });
    socket.write(requestText('/download'));
  }

  leave(): void {
    this.#socket.destroy();
  }
}
