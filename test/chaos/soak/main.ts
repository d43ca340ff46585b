import type { SoakOptions } from './options.js';
import { tableOf } from './report.js';
import { soak, WARM_UP_SHARE } from './soak.js';
import { failuresOf, hoursOf, hoursToProve, type Row } from './verdict.js';

export { parseArguments } from './options.js';

function unproven(rows: readonly Row[], hours: number): string {
  const measures = rows.filter(({ verdict }) => verdict === 'not proven').map(({ measure }) => measure);
  const how = Number.isFinite(hours)
    ? `--minutes ${Math.ceil((hours * 60) / (1 - WARM_UP_SHARE))}`
    : 'more minutes';
  return `${measures.join('; ')}. If nothing grows, ${how} will show it.`;
}

/** @returns the exit code: 1 when something grows or is left over, not when it is not proven that nothing does */
export async function main(options: SoakOptions, signal: AbortSignal): Promise<number> {
  const { minutes, framework, seed } = options;
  console.log(`Soak: ${minutes} minutes, ${framework}, --seed ${seed}`);
  const { rows, remains, samples, faults } = await soak(options, console.log, signal);
  const failures = failuresOf(rows, remains);
  console.log(`\n${tableOf(rows)}\n`);
  console.log(
    `${samples.length} samples, ${faults.length} faults, ${remains.closeWait} sockets in CLOSE_WAIT at the end`,
  );
  const hours = hoursToProve(rows, hoursOf(samples));
  if (hours > 0) console.log(`Not proven at this length: ${unproven(rows, hours)}`);
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  console.log(JSON.stringify({ minutes, framework, seed, faults, rows, remains, failures, samples }));
  return failures.length > 0 ? 1 : 0;
}
