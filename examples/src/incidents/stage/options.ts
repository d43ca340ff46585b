import { parseOptionsOf, UsageError } from '../../../../scripts/lib/read-arguments.mjs';
import { incidents } from '../incidents.js';
import type { Incident } from './incident.js';

export interface IncidentOptions {
  readonly incidents: readonly Incident[];
  readonly isShort: boolean;
  /** The page into which what was printed is written. */
  readonly docs: string | undefined;
}

const list = incidents.map(({ number, title }) => `  ${number}  ${title}`).join('\n');

export const usage = `Usage: npm run incident -- [number…] [options]

Shows an incident on a database server of its own: without Handback, then with it. Without a number: all of them.

${list}

  --short      with fewer processes
  --docs       also writes what it prints into docs/operations.md
  -h, --help   this text`;

/** Throws UsageError; undefined = help is wanted. */
export function parseOptions(args: string[]): IncidentOptions | undefined {
  const { values, positionals } = parseOptionsOf(args, usage, {
    allowPositionals: true,
    options: { short: { type: 'boolean' }, docs: { type: 'boolean' } },
  });
  if (values.help) return undefined;
  const chosen = positionals.map((given) => {
    const incident = incidents.find(({ number }) => String(number) === given);
    return incident ?? fail(`There is no incident "${given}".`);
  });
  if (values.docs && values.short) fail('The docs have what is printed without --short.');
  return {
    incidents: chosen.length > 0 ? chosen : incidents,
    isShort: values.short ?? false,
    docs: values.docs ? 'docs/operations.md' : undefined,
  };
}

function fail(message: string): never {
  throw new UsageError(`${message}\n\n${usage}`);
}
