import { parseOptionsOf, readArguments, UsageError } from '#scripts/lib/read-arguments.mjs';
import { MOST_MINUTES } from '../options.js';
import { type Framework, frameworks } from '../types.js';

export interface SoakOptions {
  minutes: number;
  framework: Framework;
  seed: number;
  /** MiB per hour. */
  heapLimit: number;
}

const usage = `npm run soak [-- options]: whether anything grows while the app serves 50 requests per second, under a fault a minute.

  --minutes N        how long, fractions too; a quarter of it is warm-up (20)
  --framework NAME   ${frameworks.join(', ')} (fastify)
  --seed N           repeats the load and the faults of another run (drawn)
  --heap-limit N     by how much the heap may grow, in MiB per hour (1)
  -h, --help         this`;

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): SoakOptions | number {
  return readArguments(args, parseOptions, usage);
}

/** @returns undefined when only help is asked for. @throws {UsageError} */
export function parseOptions(args: string[]): SoakOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseOptionsOf(args, usage, {
    options: { minutes: text, framework: text, seed: text, 'heap-limit': text },
  });
  if (values.help) return undefined;
  const minutes = Number(values.minutes ?? 20);
  const framework = frameworks.find((name) => name === (values.framework ?? 'fastify'));
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  const heapLimit = Number(values['heap-limit'] ?? 1);
  if (!(minutes > 0 && minutes <= MOST_MINUTES))
    throw new UsageError(
      `--minutes takes a number above 0, of at most ${MOST_MINUTES}, not ${values.minutes}`,
    );
  if (!framework)
    throw new UsageError(`--framework takes one of ${frameworks.join(', ')}, not ${values.framework}`);
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed takes a whole number, not ${values.seed}`);
  if (!(heapLimit > 0))
    throw new UsageError(`--heap-limit takes a number above 0, not ${values['heap-limit']}`);
  return { minutes, framework, seed, heapLimit };
}
