/** What scripts/bench.mjs runs once everything is installed and built. */
import { isMet } from './figure.js';
import { parts } from './parts.js';

export function parseArguments(args: string[]): { names: string[] } | number {
  return { names: args };
}

/** @returns the exit code */
export async function main({ names }: { names: string[] }, signal: AbortSignal): Promise<number> {
  let missed = 0;
  for (const part of parts) {
    if (names.length > 0 && !names.includes(part.name)) continue;
    const { figures } = await part.run({ rounds: 5, signal, progress: (line) => console.log(line) });
    for (const figure of figures) {
      if (!isMet(figure)) missed++;
      const { row, metric, handback, unit, peers } = figure;
      console.log(row, metric, handback, unit, peers, isMet(figure) ? 'met' : 'missed');
    }
  }
  return missed > 0 ? 1 : 0;
}
