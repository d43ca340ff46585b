import { type Owner, owners, titles } from './classify.js';
import type { Tally } from './tally.js';

export interface Profiled {
  /** Of the column: the contender. */
  readonly name: string;
  readonly tally: Tally;
  readonly requests: number;
}

/** Markdown: where the time of one request goes, a pair of columns for each contender. */
export function ownersTable(profiles: readonly Profiled[]): string {
  const shown = owners.filter((owner) => profiles.some(({ tally }) => share(tally, owner) >= 0.0005));
  const rows = shown.map((owner) => [titles[owner], ...profiles.flatMap((one) => cells(one, owner))]);
  const sum = profiles.flatMap((one) => [`${perRequest(one, one.tally.busyUs)} µs`, '100 %', '']);
  const head = profiles.flatMap(({ name }) => [name, 'share', 'with what Node does for it']);
  return markdown([['where', ...head], ...rows, ['together', ...sum]]);
}

/** Markdown: the functions in which most of the time goes, of one owner or of all. */
export function functionsTable({ tally, requests, name }: Profiled, count: number, owner?: Owner): string {
  const functions = tally.functions
    .filter((one) => owner === undefined || one.owner === owner)
    .slice(0, count);
  const rows = functions.map(({ where, selfUs, owner: of }) => [
    where,
    of,
    `${perRequest({ name, tally, requests }, selfUs)} µs`,
    percent(selfUs / tally.busyUs),
  ]);
  return markdown([['function', 'whose', 'a request', 'share'], ...rows]);
}

function cells(profiled: Profiled, owner: Owner): string[] {
  const { self, onBehalf, busyUs } = profiled.tally;
  const us = self.get(owner) ?? 0;
  return [
    `${perRequest(profiled, us)} µs`,
    percent(us / busyUs),
    percent((onBehalf.get(owner) ?? 0) / busyUs),
  ];
}

function share({ self, busyUs }: Tally, owner: Owner): number {
  return (self.get(owner) ?? 0) / busyUs;
}

function perRequest({ requests }: Profiled, us: number): string {
  return (us / requests).toFixed(2);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function markdown([head = [], ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, n) => (n === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
