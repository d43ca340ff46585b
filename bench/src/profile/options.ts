import { readdirSync } from 'node:fs';
import { parseOptionsOf, UsageError } from '../../../scripts/lib/read-arguments.mjs';
import { type Framework, frameworks } from '../http/contender.js';
import { paths, type Route } from '../http/work.js';

export interface ProfileOptions {
  framework: Framework;
  route: Route;
  contenders: string[];
  requests: number;
  functions: number;
  write: boolean;
}

export const usage = `npm run profile [-- options]: where the CPU time of one request goes

  --framework fastify   or express, koa
  --route one           or none, three, execute
  --contenders handback,mysql2-promise
                        files of bench/src/http/apps/<framework>, compared side by side
  --requests 20000      how many are profiled, after a warm-up
  --functions 25        how many of the most expensive functions are listed
  --write               also puts the table into docs/performance.md
  -h, --help            this

Each profile is written to bench/profile/<framework>-<contender>-<route>.cpuprofile, for Chrome's DevTools or any
other viewer.`;

/** @returns undefined when help was asked for. @throws {UsageError} */
export function parseOptions(args: string[]): ProfileOptions | undefined {
  const text = (initial: string) => ({ type: 'string', default: initial }) as const;
  const { values } = parseOptionsOf(args, usage, {
    options: {
      framework: text('fastify'),
      route: text('one'),
      contenders: text('handback,mysql2-promise'),
      requests: text('20000'),
      functions: text('25'),
      write: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const framework = oneOf('framework', frameworks, values.framework);
  return {
    framework,
    route: oneOf('route', Object.keys(paths) as Route[], values.route),
    contenders: contendersOf(framework, values.contenders),
    requests: count('requests', values.requests),
    functions: count('functions', values.functions),
    write: values.write,
  };
}

function oneOf<T extends string>(name: string, known: readonly T[], given: string): T {
  const found = known.find((one) => one === given);
  if (found === undefined)
    throw new UsageError(`--${name} must be one of ${known.join(', ')}, not '${given}'`);
  return found;
}

/** What begins to listen is a part of each of them. */
const NO_CONTENDER = 'listening';

function contendersOf(framework: Framework, given: string): string[] {
  const known = readdirSync(new URL(`../http/apps/${framework}/`, import.meta.url))
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -'.js'.length))
    .filter((name) => name !== NO_CONTENDER);
  return given.split(',').map((name) => oneOf('contenders', known, name.trim()));
}

function count(name: string, given: string): number {
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`--${name} must be a number from 1 on, not '${given}'`);
  return number;
}
