import { parseArgs } from 'node:util';
import { MOST_MINUTES } from '../options.js';
import { type Framework, frameworks } from '../types.js';

export interface SoakOptions {
  minutes: number;
  framework: Framework;
  seed: number;
  /** MiB per hour. */
  heapLimit: number;
}

const HELP = `npm run soak [-- options]: whether anything grows while the app serves 50 requests per second, under a fault a minute.

  --minutes N        how long, fractions too; a quarter of it is warm-up (20)
  --framework NAME   ${frameworks.join(', ')} (fastify)
  --seed N           repeats the load and the faults of another run (drawn)
  --heap-limit N     by how much the heap may grow, in MiB per hour (1)`;

/** @returns what was asked for, or the exit code when all has been said */
export function parseArguments(args: string[]): SoakOptions | number {
  const text = { type: 'string' } as const;
  const options = {
    minutes: text,
    framework: text,
    seed: text,
    'heap-limit': text,
    help: { type: 'boolean', short: 'h' },
  } as const;
  let given: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    given = parseArgs({ args, options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (given.help) {
    console.log(HELP);
    return 0;
  }
  const minutes = Number(given.minutes ?? 20);
  const framework = frameworks.find((name) => name === (given.framework ?? 'fastify'));
  const seed = Number(given.seed ?? Math.floor(Math.random() * 1_000_000));
  const heapLimit = Number(given['heap-limit'] ?? 1);
  if (!(minutes > 0 && minutes <= MOST_MINUTES))
    return refuse(`--minutes takes a number above 0, of at most ${MOST_MINUTES}, not ${given.minutes}`);
  if (!framework) return refuse(`--framework takes one of ${frameworks.join(', ')}, not ${given.framework}`);
  if (!Number.isSafeInteger(seed)) return refuse(`--seed takes a whole number, not ${given.seed}`);
  if (!(heapLimit > 0)) return refuse(`--heap-limit takes a number above 0, not ${given['heap-limit']}`);
  return { minutes, framework, seed, heapLimit };
}

function refuse(why: string): number {
  console.error(`${why}\n\n${HELP}`);
  return 2;
}
