/** What scripts/incident.mjs runs once everything is installed and built. */
import { writeIntoDocs } from './stage/docs.js';
import type { Incident } from './stage/incident.js';
import { type IncidentOptions, parseOptions, UsageError, usage } from './stage/options.js';
import { Stage } from './stage/stage.js';
import { table } from './stage/table.js';
import { Transcript } from './stage/transcript.js';

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): IncidentOptions | number {
  try {
    const options = parseOptions(args);
    if (options) return options;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
}

/** @returns the exit code: 0 when each incident happened without Handback, and did not with it */
export async function main(options: IncidentOptions, signal: AbortSignal): Promise<number> {
  let failed = 0;
  for (const incident of options.incidents) {
    const transcript = new Transcript();
    const complaint = await show(incident, options.isShort, transcript, signal);
    if (complaint) console.error(complaint);
    if (complaint) failed += 1;
    else if (options.docs) await writeIntoDocs(options.docs, incident, transcript);
  }
  return failed === 0 ? 0 : 1;
}

/** @returns what is wrong with the result, if something is */
async function show(
  incident: Incident,
  isShort: boolean,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limits = incident.limits(isShort);
  const stage = await Stage.open(limits, isShort, (text) => {
    console.log(text);
    transcript.add(text);
  });
  transcript.port = stage.port;
  try {
    console.log(
      `\n=== Incident ${incident.number}: ${incident.title} ===\n(server ${stage.version}, ${limits.join(' ')})\n`,
    );
    const sides = await unlessAborted(incident.run(stage), signal);
    stage.say(`\n${table(sides)}`);
    if (sides[0]?.hit === 0) return `Incident ${incident.number} did not happen without Handback.`;
    if (sides.at(-1)?.hit !== 0) return `Incident ${incident.number} happened with Handback too.`;
    return undefined;
  } finally {
    await stage.close();
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
