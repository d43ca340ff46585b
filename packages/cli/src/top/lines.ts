import type { Style } from '../terminal.js';
import { printable } from '../text.js';
import type { Section } from './sections.js';

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

const GAP = '  ';
const INDENT = '  ';
/** No column but the last takes more, so that none pushes the others off the screen. */
const WIDEST = 40;

/** One line of at most `width` characters, escaped. */
export function clipped(text: string, width: number): string {
  const shown = printable(text);
  if (shown.length <= width) return shown;
  // By characters, not by halves of them.
  return `${[...shown].slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** A section as lines that fit. */
export function sectionLines(section: Section, width: number, paint: Paint): string[] {
  const { title, rows, empty } = section;
  const head = paint('bold', clipped(title, width));
  if (rows.length === 0) return [head, clipped(INDENT + empty, width)];
  const [titles = '', ...lines] = tableLines(section, width);
  return [head, paint('dim', titles), ...lines];
}

function tableLines({ columns, rows }: Section, width: number): string[] {
  const last = columns.length - 1;
  const cells = [columns.map(({ title }) => title), ...rows].map((row) =>
    row.map((cell, at) => clipped(cell, at === last ? Number.POSITIVE_INFINITY : WIDEST)),
  );
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? '').length)));
  return cells.map((row) => {
    const padded = row.map((cell, at) => {
      const space = widths[at] ?? 0;
      return columns[at]?.align === 'right' ? cell.padStart(space) : cell.padEnd(space);
    });
    return clipped((INDENT + padded.join(GAP)).trimEnd(), width);
  });
}
