import { type Terminal, widthOf } from './terminal.js';
import { printable } from './text.js';

export interface Column {
  readonly title: string;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Cells are escaped; a table without rows is no table. */
export function printTable(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly (string | number)[])[],
  indent = '',
): void {
  if (rows.length === 0) return;
  const cells = rows.map((row) => row.map((cell) => printable(String(cell))));
  const widths = columns.map(({ title }, i) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[i] ?? ''))),
  );
  const line = (row: readonly string[]) =>
    indent + columns.map(({ align }, i) => pad(row[i] ?? '', widths[i] as number, align)).join(GAP);
  terminal.print(terminal.style('dim', line(columns.map(({ title }) => title))));
  for (const row of cells) terminal.print(line(row).trimEnd());
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? space + text : text + space;
}
