import { setTimeout as pause } from 'node:timers/promises';
import type { Session } from '../session.js';
import type { Target } from '../target.js';
import type { ApplicationPool } from './application.js';
import type { Picture, Sample, Status } from './picture.js';
import { forwardingOf, readPooling } from './read/between.js';
import { readMetadataWaits } from './read/metadata-locks.js';
import { readPrograms } from './read/programs.js';
import { Readings } from './read/readings.js';
import { readServerFacts, readStatus } from './read/server-facts.js';
import { readThreads } from './read/threads.js';
import { readRowLockWaits, readTransactions } from './read/transactions.js';
import type { SocketCensus } from './sockets/census.js';

export interface Examination {
  readonly target: Pick<Target, 'host' | 'port' | 'label'>;
  readonly session: Session;
  readonly expectations: Picture['expectations'];
  readonly pools: readonly ApplicationPool[];
  /** The word of whoever knows it; else it is looked for. */
  readonly behindProxy: boolean;
  /** Between two looks at the counters; 0 = one look. */
  readonly sampleMs: number;
  /** Waits between them. @default a timer */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** null = not to be looked at, or not to be seen, which is noted by whoever tried. */
  readonly sockets: SocketCensus | null;
}

/** Reads everything, judges nothing. Rejects with CommandError when the server is lost meanwhile. */
export async function takePicture(examination: Examination): Promise<Picture> {
  const { session, target, expectations, pools, sockets } = examination;
  const readings = new Readings(session.ask);
  const before = await readStatus(readings);
  const server = await readServerFacts(readings);
  const pooling = examination.behindProxy
    ? 'said on the command line (--behind-proxy)'
    : await readPooling(readings, target, server, session.id);
  const programs = await readPrograms(readings, server);
  const threads = await readThreads(readings, server, programs);
  const transactions = await readTransactions(readings);
  const seesAllThreads = transactions !== null;
  if (!seesAllThreads)
    readings.unseen.push({
      what: 'connections of other accounts: who has them, who sleeps',
      why: `${server.account} has no PROCESS privilege and sees its own alone`,
      remedy: 'GRANT PROCESS ON *.* TO this account',
    });
  const rowLockWaits = transactions === null ? null : await readRowLockWaits(readings, server);
  const metadataWaits = await readMetadataWaits(readings, server, threads, transactions);
  const { status, sample } = await secondLook(examination, readings, before);
  return {
    target: { label: target.label, port: target.port },
    server,
    status,
    sample,
    ownId: session.id,
    threads,
    seesAllThreads,
    transactions,
    rowLockWaits,
    metadataWaits,
    sockets,
    pools,
    expectations,
    between: {
      pooling,
      forwarding: forwardingOf(
        session,
        threads.find(({ id }) => id === session.id),
        server,
      ),
    },
    unseen: readings.unseen,
  };
}

/** What grows is known by looking twice. */
async function secondLook(
  { sampleMs, wait = pause }: Examination,
  readings: Readings,
  before: Status,
): Promise<{ status: Status; sample: Sample | undefined }> {
  if (sampleMs === 0) return { status: before, sample: undefined };
  await wait(sampleMs);
  const status = await readStatus(readings);
  return { status, sample: { seconds: sampleMs / 1_000, before } };
}
