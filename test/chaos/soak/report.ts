import type { Row } from './verdict.js';

const HEADERS = ['', 'first', 'last', 'slope per hour', '± standard error', 'limit per hour', ''];

/** The rows as a table, its columns aligned. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ measure, first, last, slope, standardError, limit, verdict }) => [
    measure,
    shown(first),
    shown(last),
    shown(slope),
    shown(standardError),
    Number.isFinite(limit) ? String(limit) : 'none',
    verdict,
  ]);
  const all = [HEADERS, ...cells];
  const widths = HEADERS.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) => line.map((cell, column) => padded(cell, widths[column] ?? 0, column)).join('  '))
    .join('\n');
}

/** Names to the left, numbers to the right. */
function padded(cell: string, width: number, column: number): string {
  return column === 0 || column === HEADERS.length - 1 ? cell.padEnd(width) : cell.padStart(width);
}

function shown(number: number): string {
  if (!Number.isFinite(number)) return '∞';
  return Number.isInteger(number) ? String(number) : number.toFixed(2);
}
