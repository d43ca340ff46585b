/** What scripts/incident.mjs runs once everything is installed and built. */
import { readArguments } from '../../../scripts/lib/read-arguments.mjs';
import { writeIntoDocs } from './stage/docs.js';
import type { Incident, Side } from './stage/incident.js';
import { type IncidentOptions, parseOptions, usage } from './stage/options.js';
import { show } from './stage/show.js';
import { Transcript } from './stage/transcript.js';

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): IncidentOptions | number {
  return readArguments(args, parseOptions, usage);
}

/** @returns the exit code: 0 when each incident happened without Handback, and did not with it */
export async function main(
  { incidents, isShort, docs }: IncidentOptions,
  signal: AbortSignal,
): Promise<number> {
  let complaints = 0;
  for (const incident of incidents) {
    const transcript = new Transcript();
    const sides = await show(incident, { isShort, transcript, signal, print: console.log });
    const complaint = complaintAbout(incident, sides);
    if (complaint) console.error(complaint);
    if (complaint) complaints += 1;
    else if (docs) await writeIntoDocs(docs, incident, transcript);
  }
  return complaints === 0 ? 0 : 1;
}

function complaintAbout({ number }: Incident, sides: readonly Side[]): string | undefined {
  if (sides[0]?.hit === 0) return `Incident ${number} did not happen without Handback.`;
  if (sides.at(-1)?.hit !== 0) return `Incident ${number} happened with Handback too.`;
  return undefined;
}
