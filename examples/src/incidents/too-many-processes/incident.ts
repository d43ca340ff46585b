import { createConnection } from 'mysql2/promise';
import type { App } from '../stage/app.js';
import { handback } from '../stage/handback.js';
import type { Incident, Side } from '../stage/incident.js';
import { ask, tally, times, withStatus } from '../stage/load.js';
import type { Stage } from '../stage/stage.js';
import { linesOf } from '../stage/text.js';

const POOL = 10;
/** Requests at the same moment, to each process. */
const REQUESTS = 10;
/** For the other applications of this database, and for people. */
const RESERVE = 12;

interface Size {
  readonly hosts: number;
  readonly processes: number;
  readonly maxConnections: number;
}

const FULL: Size = { hosts: 4, processes: 4, maxConnections: 60 };
const SHORT: Size = { hosts: 2, processes: 2, maxConnections: 30 };

export const tooManyProcesses: Incident = {
  number: 2,
  title: 'more processes times pool than the server allows',
  limits: (isShort) => [`--max-connections=${(isShort ? SHORT : FULL).maxConnections}`],

  async run(stage) {
    const size = stage.isShort ? SHORT : FULL;
    const { maxConnections } = size;
    const sum = ['--max', POOL, '--server-max', maxConnections, '--reserve', RESERVE].map(String);
    stage.say(beginning(await handback(['plan', '--processes', product(size), ...sum])));
    const count = countOf(size);
    const most = Math.floor((maxConnections - RESERVE) / count) - 1;
    const sumInWords = `(${maxConnections} - ${RESERVE} for others) / ${count} processes - 1 for its control connection`;
    const cases: Case[] = [
      {
        name: 'without',
        file: 'without.js',
        max: POOL,
        words: `WITHOUT Handback: ${count} processes, each with a pool of ${POOL}`,
      },
      {
        name: `with, max ${POOL}`,
        file: 'with.js',
        max: POOL,
        words: `WITH Handback, and max left at ${POOL}: the arithmetic is as wrong as before`,
      },
      {
        name: `with, max ${most}`,
        file: 'with.js',
        max: most,
        words: `WITH Handback, max ${most}: ${sumInWords}`,
      },
    ];
    const sides: Side[] = [];
    for (const one of cases) sides.push(await side(stage, size, one));
    return sides;
  },
};

/** As the commands take it: `4x4`. */
function product({ hosts, processes }: Size): string {
  return `${hosts}x${processes}`;
}

function countOf({ hosts, processes }: Size): number {
  return hosts * processes;
}

/** The answer; the page of the command has the rest. */
function beginning(output: string): string {
  return `${output.split('\n').slice(0, 3).join('\n')}\n[…]`;
}

interface Case {
  readonly name: string;
  readonly file: string;
  readonly max: number;
  readonly words: string;
}

async function side(stage: Stage, size: Size, { name, file, max, words }: Case): Promise<Side> {
  await stage.begin(words);
  const apps = await stage.start(`too-many-processes/${file}`, { count: countOf(size), MAX: max });
  // Each has been at work before: none comes too late for its first connection.
  await Promise.all(apps.map((app) => ask(app.at('/search'))));
  const answers = await Promise.all(apps.flatMap((app) => times(REQUESTS, () => ask(app.at('/search')))));
  stage.say(`${answers.length} requests at the same moment, ${REQUESTS} to each process: ${tally(answers)}`);
  const billing = await otherApplication(stage);
  const isFull = billing !== 'yes';
  stage.say(`Another application, billing, connects to the same server: ${billing}\n`);
  await stage.showStatus('Threads_connected');
  stage.showLog(isSame(apps) ? apps.map(({ log }) => log).join('') : (apps[0]?.log ?? ''));
  await stage.consultDoctor({
    ...(isFull ? { account: 'operator' } : { options: ['--processes', product(size), '--max', max] }),
    about: ['connection-budget'],
  });
  const threads = await stage.operator.threads();
  await stage.clear();
  const failed = answers.length - withStatus(answers, 200);
  return {
    name,
    figures: {
      'threads of the application': threads.length,
      [`failed, of ${answers.length} requests`]: failed,
      'another application connects': billing,
    },
    hit: failed + (isFull ? 1 : 0),
  };
}

async function otherApplication(stage: Stage): Promise<string> {
  try {
    const connection = await createConnection(stage.url('billing'));
    await connection.end();
    return 'yes';
  } catch (error) {
    return (error as Error & { code: string }).code;
  }
}

/** The same words in each log. */
function isSame(apps: readonly App[]): boolean {
  return new Set(apps.flatMap(({ log }) => linesOf(log))).size <= 1;
}
