import { readFile, writeFile } from 'node:fs/promises';
import type { Incident } from './incident.js';
import type { Transcript } from './transcript.js';

/** The place of an incident's output on the page. */
export function placeOf(number: number): { start: string; end: string } {
  return { start: `<!-- incident:${number}:start -->`, end: `<!-- incident:${number}:end -->` };
}

/** What the page has as an incident's output; '' = nothing yet. */
export function outputIn(page: string, number: number): string {
  const { start, end } = placeOf(number);
  const [, rest = ''] = page.split(start);
  const [block = ''] = rest.split(end);
  return block.replace(/^\s*```text\n|```\s*$/g, '').trim();
}

/** What the rows of the table at its end are about; figures in them depend on the size. */
export function labelsOf(output: string): string[] {
  const rows = output.slice(output.lastIndexOf('\n\n')).trim().split('\n').slice(1);
  return rows.map((row) => row.split(/ {2,}/)[0]?.replace(/\d+/g, 'N') ?? '');
}

export async function writeIntoDocs(
  file: string,
  { number }: Incident,
  transcript: Transcript,
): Promise<void> {
  const page = await readFile(file, 'utf8');
  const { start, end } = placeOf(number);
  const [before, rest] = page.split(start);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined)
    throw new Error(`${file} has no place for incident ${number}: ${start} … ${end}`);
  await writeFile(file, `${before}${start}\n\`\`\`text\n${transcript.text}\n\`\`\`\n${end}${after}`);
}
