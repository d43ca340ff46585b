import { parseOptionsOf, UsageError } from '../../scripts/lib/read-arguments.mjs';
import { type PartName, partNames } from './part.js';
import { rowsOf } from './rows.js';

export interface BenchOptions {
  readonly parts: readonly PartName[];
  /** End with 1 where a target is missed. */
  readonly check: boolean;
  readonly rounds: number;
  /** Of the table; undefined = all that the parts have. */
  readonly rows: readonly number[] | undefined;
  /** Where the results go besides the screen. */
  readonly json: string | undefined;
  /** Into bench/results, and from there into the README. */
  readonly save: boolean;
  /** Measure nothing: write the saved results into the README. */
  readonly readme: boolean;
}

const defaultRounds = 5;

export const usage = `npm run bench [-- part… options]

Measures Handback beside its peers and prints the table of the README for this machine. Ends with 0 unless
something broke.

Parts, all of them if none is named:
${partNames.map((name) => `  ${name.padEnd(13)}${describeRows(name)}`).join('\n')}

  --check       end with 1 where a target is missed
  --row N       measure this row alone, and what it needs; may be given more than once
  --rounds N    how many rounds the figures are the median of (${defaultRounds})
  --json FILE   the results and everything measured on the way
  --save        keep the results of a whole run: bench/results/<date>.json, latest.md, plots; and the README's table
  --readme      measure nothing: write the saved results into the README again
  -h, --help    this`;

/** @returns undefined when only help is asked for. @throws {UsageError} */
export function parseOptions(args: string[]): BenchOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const { check = false, save = false, readme = false, json, rounds } = values;
  const rows = values.row?.map(rowNumber);
  const partial = positionals.length > 0 || rows !== undefined;
  if (save && partial)
    throw new UsageError('--save keeps the results of a whole run: name no part and no row with it.');
  if (readme && (partial || save || check || json !== undefined || rounds !== undefined))
    throw new UsageError('--readme measures nothing: it goes with no part and no other option.');
  const parts = chosen(positionals).filter((part) => !rows || rows.some((row) => rowsOf(part).includes(row)));
  if (rows && parts.length === 0)
    throw new UsageError(`Nothing to measure: no part named here has row ${rows.join(' or ')}.`);
  return { parts, rows, check, save, readme, json, rounds: roundsOf(rounds) };
}

/** What to type to measure the same again. */
export function commandOf({ parts, rows, rounds }: Pick<BenchOptions, 'parts' | 'rows' | 'rounds'>): string {
  const given = [
    ...(parts.length === partNames.length || rows ? [] : parts),
    ...(rows ?? []).map((row) => `--row ${row}`),
    ...(rounds === defaultRounds ? [] : [`--rounds ${rounds}`]),
  ];
  return ['npm run bench', ...(given.length > 0 ? ['--', ...given] : [])].join(' ');
}

function parse(args: string[]) {
  const [flag, text] = [{ type: 'boolean' }, { type: 'string' }] as const;
  return parseOptionsOf(args, usage, {
    allowPositionals: true,
    options: {
      check: flag,
      save: flag,
      readme: flag,
      row: { ...text, multiple: true },
      rounds: text,
      json: text,
    },
  });
}

function chosen(names: string[]): PartName[] {
  const unknown = names.filter((name) => !partNames.some((one) => one === name));
  if (unknown.length > 0)
    throw new UsageError(`There is no part "${unknown.join('", "')}": ${partNames.join(', ')}.`);
  return partNames.filter((one) => names.length === 0 || names.includes(one));
}

function roundsOf(text: string | undefined): number {
  if (text === undefined) return defaultRounds;
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UsageError(`--rounds must be a whole number from 1 to 999, and is "${text}".`);
}

function rowNumber(text: string): number {
  const row = Number(text);
  if (partNames.some((part) => rowsOf(part).includes(row))) return row;
  throw new UsageError(`--row must be one of the rows with a target, 1 to 16, and is "${text}".`);
}

function describeRows(name: PartName): string {
  const rows = rowsOf(name);
  return rows.length > 0 ? `rows ${rows[0]} to ${rows.at(-1)}` : 'growth, without targets';
}
