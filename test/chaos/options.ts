import { parseOptionsOf, UsageError } from '#scripts/lib/read-arguments.mjs';
import {
  type Contender,
  contenders,
  type FaultName,
  type Framework,
  faultNames,
  frameworks,
} from './types.js';

export interface ChaosOptions {
  /** Of the whole run. */
  minutes: number;
  seed: number;
  frameworks: Framework[];
  contenders: Contender[];
  faults: FaultName[];
  /** Where the results go, one JSON document a line. */
  json: string | undefined;
}

export const usage = `npm run chaos [-- options]

Breaks the network, the server and the clients under an app with each contender in turn, checks what must hold
meanwhile, and puts the results side by side. Ends with 0 when Handback violated nothing.

  --minutes N       how long all of it takes (20), but half a minute at least for each contender on each framework
  --seed S          what was broken when in the run that printed this seed, again; with that run's other options
  --framework LIST  ${frameworks.join(',')} (all)
  --contender LIST  ${contenders.join(',')} (all)
  --faults LIST     ${wrapped(faultNames)} (all)
  --json FILE       one JSON document a line: the run, each minute of it, each contender's results
  -h, --help        this

LIST: names with commas between them.`;

/** A week: a timer of Node's takes no more than 24 days, and fires at once beyond that. */
export const MOST_MINUTES = 10_080;

/** @returns undefined when only help is asked for. @throws {UsageError} */
export function parseOptions(args: string[]): ChaosOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseOptionsOf(args, usage, {
    options: { minutes: text, seed: text, framework: text, contender: text, faults: text, json: text },
  });
  if (values.help) return undefined;
  return {
    minutes: minutesOf(values.minutes ?? '20'),
    seed: values.seed === undefined ? newSeed() : wholeNumber('--seed', values.seed),
    frameworks: chosen('--framework', values.framework, frameworks),
    contenders: chosen('--contender', values.contender, contenders),
    faults: chosen('--faults', values.faults, faultNames),
    json: values.json,
  };
}

export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (minutes > 0 && minutes <= MOST_MINUTES) return minutes;
  throw new UsageError(`--minutes must be a number above 0, of at most ${MOST_MINUTES}, and is "${text}".`);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UsageError(`${name} must be a whole number of at most 10 digits, and is "${text}".`);
}

function chosen<Name extends string>(option: string, text: string | undefined, all: readonly Name[]): Name[] {
  if (text === undefined) return [...all];
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !all.some((one) => one === name));
  if (unknown.length > 0)
    throw new UsageError(`${option} knows no "${unknown.join('", "')}": ${all.join(', ')}.`);
  return all.filter((one) => names.includes(one));
}

function wrapped(names: readonly string[]): string {
  const lines = [''];
  for (const name of names) {
    const last = lines.length - 1;
    if (`${lines[last]}${name}`.length > 80) lines.push(`${name},`);
    else lines[last] += `${name},`;
  }
  return lines.join('\n                    ').replace(/,$/, '');
}

/** What to type to get the same faults again. */
export function replayCommand({ minutes, seed, ...lists }: ChaosOptions): string {
  const list = (option: string, names: readonly string[], all: readonly string[]) =>
    names.length === all.length ? [] : [`${option} ${names.join(',')}`];
  return [
    `npm run chaos -- --minutes ${minutes} --seed ${seed}`,
    ...list('--framework', lists.frameworks, frameworks),
    ...list('--contender', lists.contenders, contenders),
    ...list('--faults', lists.faults, faultNames),
  ].join(' ');
}
