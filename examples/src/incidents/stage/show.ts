import type { Incident, Side } from './incident.js';
import { Stage } from './stage.js';
import { table } from './table.js';
import type { Transcript } from './transcript.js';

export interface Showing {
  readonly isShort: boolean;
  readonly print: (text: string) => void;
  readonly transcript: Transcript;
  /** Ends it early, with the signal's reason. */
  readonly signal: AbortSignal;
}

/** One incident, on a server of its own. Nothing of it is left afterwards, however it ends. */
export async function show(
  incident: Incident,
  { isShort, print, transcript, signal }: Showing,
): Promise<Side[]> {
  const limits = incident.limits(isShort);
  const stage = await Stage.open(limits, isShort, (text) => {
    print(text);
    transcript.add(text);
  });
  transcript.port = stage.port;
  try {
    stage.say(`Incident ${incident.number}: ${incident.title}`);
    stage.say(`The server: ${stage.version} at 127.0.0.1:${stage.port}, ${limits.join(' ')}\n`);
    const sides = await unlessAborted(incident.run(stage), signal);
    stage.say(`\n${table(sides)}\n`);
    return sides;
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
