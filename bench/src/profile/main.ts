/** What scripts/profile.mjs runs once everything is installed and built. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../../../scripts/lib/read-arguments.mjs';
import { withBenchServer } from '../measure/server.js';
import { withTable } from './document.js';
import { type ProfileOptions, parseOptions, usage } from './options.js';
import { record } from './record.js';
import { functionsTable, ownersTable, type Profiled } from './table.js';

const directory = fileURLToPath(new URL('../../profile/', import.meta.url));
const document = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): ProfileOptions | number {
  return readArguments(args, parseOptions, usage);
}

/** @returns the exit code */
export async function main(options: ProfileOptions, signal: AbortSignal): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const profiles = await withBenchServer({ signal }, async ({ url }) => {
    const recorded: Profiled[] = [];
    for (const contender of options.contenders)
      recorded.push(await profileOf(contender, url, options, signal));
    return recorded;
  });
  const table = ownersTable(profiles);
  console.log(`\n${table}\n`);
  for (const one of profiles) {
    console.log(`${one.name}, the most expensive functions:\n${functionsTable(one, options.functions)}\n`);
  }
  if (options.write) writeFileSync(document, withTable(readFileSync(document, 'utf8'), table, options));
  return 0;
}

async function profileOf(
  contender: string,
  uri: string,
  { framework, route, requests }: ProfileOptions,
  signal: AbortSignal,
): Promise<Profiled> {
  const file = `${directory}${framework}-${contender}-${route}.cpuprofile`;
  const tally = await record({ task: { framework, contender, uri }, route, requests, file, signal });
  console.log(`${file}`);
  return { name: contender, tally, requests };
}
