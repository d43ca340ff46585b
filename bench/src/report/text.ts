import { figuresOf, type ResultDocument } from './document.js';
import type { Machine } from './machine.js';
import { furtherTable, notes, rowsTable } from './table.js';

/** Everything there is to read of a run, as Markdown. */
export function reportText(document: ResultDocument): string {
  const figures = figuresOf(document);
  const further = furtherTable(figures);
  return [
    rowsTable(figures),
    'Handback: the median of the rounds (the lowest to the highest).',
    ...(further ? ['## Without targets', further] : []),
    ...section('## Notes', [notes(figures), ...document.parts.flatMap(brokenText)]),
    '## Measured with',
    machineText(document),
  ].join('\n\n');
}

/** The page beside the JSON: the report, and the plots. */
export function pageText(document: ResultDocument): string {
  const plots = document.parts.flatMap((part) => part.plots);
  return [
    `# Results of ${document.date}`,
    `\`${document.command}\`, ${document.rounds} rounds, ${Math.round(document.seconds / 60)} min. Made by \`npm run bench -- --save\`; how it is measured: [bench](../README.md).`,
    reportText(document),
    ...section(
      '## Plots',
      plots.map(({ file, title }) => `![${title}](${file})`),
    ),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function section(heading: string, contents: readonly string[]): string[] {
  const there = contents.filter(Boolean);
  return there.length > 0 ? [heading, ...there] : [];
}

function brokenText({ name, error }: ResultDocument['parts'][number]): string[] {
  return error ? [`The part \`${name}\` broke:\n\n\`\`\`\n${error}\n\`\`\``] : [];
}

function machineText({ machine, date }: ResultDocument): string {
  const versions = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [`- ${date}, ${machineLine(machine)}`, `- ${machine.server}`, `- ${versions.join(', ')}`].join('\n');
}

export function machineLine({ cpu, cores, memoryGiB, os, node }: Machine): string {
  return `Node ${node}, ${cores} cores of ${cpu}, ${memoryGiB} GiB, ${os}`;
}
