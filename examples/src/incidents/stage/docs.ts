import { readFile, writeFile } from 'node:fs/promises';
import type { Incident } from './incident.js';
import type { Transcript } from './transcript.js';

/** The place of an incident's output on the page. */
export function placeOf(number: number): { start: string; end: string } {
  return { start: `<!-- incident:${number}:start -->`, end: `<!-- incident:${number}:end -->` };
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
