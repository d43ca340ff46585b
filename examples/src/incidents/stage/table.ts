import type { Side } from './incident.js';

/** A row for each figure, a column for each side. */
export function table(sides: readonly Side[]): string {
  const labels = Object.keys(sides[0]?.figures ?? {});
  const rows = [
    ['', ...sides.map(({ name }) => name)],
    ...labels.map((label) => [label, ...sides.map(({ figures }) => String(figures[label]))]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return rows.map(line).join('\n');
}
