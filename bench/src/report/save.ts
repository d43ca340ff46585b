import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ResultDocument, readDocument, toJson } from './document.js';
import type { Plot } from './plot.js';
import { withTable } from './readme.js';
import { svgOf } from './svg.js';
import { pageText } from './text.js';

const resultsDirectory = fileURLToPath(new URL('../../results/', import.meta.url));
const readmeFile = fileURLToPath(new URL('../../../README.md', import.meta.url));

/** @returns the files that were written */
export function save(
  document: ResultDocument,
  plots: readonly Plot[],
  { directory = resultsDirectory, readme = readmeFile } = {},
): string[] {
  mkdirSync(directory, { recursive: true });
  const files: [name: string, text: string][] = [
    [`${document.date}.json`, toJson(document)],
    ['latest.md', pageText(document)],
    ...plots.map((plot): [string, string] => [`${plot.file}.svg`, svgOf(plot)]),
  ];
  for (const [name, text] of files) writeFileSync(join(directory, name), text);
  writeReadme(document, readme);
  return [...files.map(([name]) => join(directory, name)), readme];
}

export function writeReadme(document: ResultDocument, readme = readmeFile): void {
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), document));
}

/** What was saved last; undefined if nothing ever was. */
export function lastSaved(directory = resultsDirectory): ResultDocument | undefined {
  if (!existsSync(directory)) return undefined;
  const last = readdirSync(directory)
    .filter((name) => /^\d{4}-\d\d-\d\d\.json$/.test(name))
    .sort()
    .at(-1);
  return last === undefined ? undefined : readDocument(join(directory, last));
}
