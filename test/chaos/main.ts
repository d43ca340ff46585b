/** What scripts/chaos.mjs runs once everything is installed and built. */
import { readArguments } from '#scripts/lib/read-arguments.mjs';
import { conduct } from './conductor.js';
import { expectedUnder } from './expected.js';
import { type ChaosOptions, parseOptions, replayCommand, usage } from './options.js';
import { Recorder } from './recorder.js';
import { detailsText, figuresTable, invariantsTable, type PhaseResult, verdictOf } from './results.js';
import type { Invariant } from './types.js';
import { failures } from './verdict.js';

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): ChaosOptions | number {
  return readArguments(args, parseOptions, usage);
}

/** @returns the exit code: 0 when Handback violated nothing */
export async function main(options: ChaosOptions, signal: AbortSignal): Promise<number> {
  console.log(`seed ${options.seed}; the same again: ${replayCommand(options)}\n`);
  const recorder = new Recorder(options);
  const { results, planned } = await conduct(options, { recorder, log: console.log, signal });
  console.log(`\n${figuresTable(results)}\n\n${invariantsTable(results)}\n`);
  const passed = report(options, results, expectedUnder(planned));
  recorder.end(passed);
  return passed ? 0 : 1;
}

function report(options: ChaosOptions, results: PhaseResult[], expected: Invariant[]): boolean {
  if (!options.contenders.includes('handback')) return true;
  const failed = failures(verdictOf('handback', results), expected);
  if (failed.length === 0) {
    console.log('Handback violated nothing.');
    return true;
  }
  console.log('Handback failed:');
  for (const { invariant, detail } of failed) console.log(`  ${invariant} ${detail}`);
  for (const detail of detailsText('handback', results)) console.log(`    ${detail}`);
  console.log(`the same again: ${replayCommand(options)}`);
  return false;
}
