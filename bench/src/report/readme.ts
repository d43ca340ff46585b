import { bestPeer, type Figure, isMet } from '../figure.js';
import { figuresOf, type ResultDocument } from './document.js';
import { markdownTable } from './table.js';
import { targetText, valueText } from './values.js';

const start = '<!-- bench:start -->';
const end = '<!-- bench:end -->';

/** The README with the short table of these results between its two marks. @throws {Error} without the marks */
export function withTable(readme: string, document: ResultDocument): string {
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`There is no ${start} … ${end} in the README.`);
  return `${readme.slice(0, from + start.length)}\n${shortText(document)}\n${readme.slice(to)}`;
}

/** The table for a README: one line for each figure with a target. */
export function shortText(document: ResultDocument): string {
  const { date, command, machine } = document;
  const figures = figuresOf(document).filter(({ row }) => row !== null);
  const met = figures.filter(isMet).length;
  return [
    `\`${command}\` on ${date}: ${met} of ${figures.length} targets met (Node ${machine.node}, ${machine.cores} cores; [all of it](bench/results/latest.md), [how](bench/README.md)).`,
    markdownTable(['#', 'metric', 'Handback', 'best peer', 'target', ''], figures.map(shortCells)),
  ].join('\n\n');
}

function shortCells(figure: Figure): string[] {
  const { row, metric, relativeTo, handback, unit } = figure;
  const best = bestPeer(figure);
  return [
    String(row),
    relativeTo ? `${metric} (x of ${relativeTo})` : metric,
    valueText(handback, unit),
    best ? `${best[0]} ${valueText(best[1], unit)}` : '',
    targetText(figure),
    isMet(figure) ? 'met' : '**missed**',
  ];
}
