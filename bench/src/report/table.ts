import { bestPeer, type Figure, isMet } from '../figure.js';
import { targetText, valueText } from './values.js';

/** The rows with targets, in their order; what several figures make up stands below one another. */
export function rowsTable(figures: readonly Figure[]): string {
  const header = ['#', 'metric', 'Handback', 'best peer', 'other peers', 'target', ''];
  return markdownTable(header, inOrder(figures).map(rowCells));
}

function inOrder(figures: readonly Figure[]): Figure[] {
  return figures.filter(({ row }) => row !== null).sort((a, b) => (a.row as number) - (b.row as number)); // stable: a part's own order stays
}

function rowCells(figure: Figure): string[] {
  const best = bestPeer(figure);
  return [
    String(figure.row),
    metricText(figure),
    handbackText(figure),
    best ? peerText(best, figure) : '–',
    otherPeers(figure, best?.[0]),
    targetText(figure),
    isMet(figure) ? 'met' : '**missed**',
  ];
}

/** What was measured besides, without a target. */
export function furtherTable(figures: readonly Figure[]): string {
  const further = figures.filter(({ row }) => row === null);
  if (further.length === 0) return '';
  const cells = (figure: Figure) => [metricText(figure), handbackText(figure), otherPeers(figure)];
  return markdownTable(['metric', 'Handback', 'peers'], further.map(cells));
}

/** What the numbers do not say by themselves. */
export function notes(figures: readonly Figure[]): string {
  return figures
    .filter(({ note }) => note)
    .map(({ row, metric, note }) => `- ${row === null ? '' : `${row}, `}${metric}: ${note}`)
    .join('\n');
}

function metricText({ metric, relativeTo }: Figure): string {
  return relativeTo ? `${metric} (x of ${relativeTo})` : metric;
}

function handbackText({ handback, range, unit }: Figure): string {
  const value = valueText(handback, unit);
  if (!range || Number.isNaN(handback)) return value;
  const [low, high] = range.map((end) => valueText(end, unit));
  return low === high ? value : `${value} (${low} to ${high})`;
}

function otherPeers({ peers, unit }: Figure, except?: string): string {
  return Object.entries(peers)
    .filter(([name]) => name !== except)
    .map(([name, value]) => `${name} ${valueText(value, unit)}`)
    .join(', ');
}

function peerText([name, value]: [string, number], { unit }: Figure): string {
  return `${name} ${valueText(value, unit)}`;
}

export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
