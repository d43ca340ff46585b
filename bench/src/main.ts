/** What scripts/bench.mjs runs once everything is installed and built. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { readArguments, UsageError } from '../../scripts/lib/read-arguments.mjs';
import { isMet } from './figure.js';
import { type BenchOptions, commandOf, parseOptions, usage } from './options.js';
import { parts } from './parts.js';
import { figuresOf, type ResultDocument, toJson } from './report/document.js';
import { thisMachine } from './report/machine.js';
import { lastSaved, save, writeReadme } from './report/save.js';
import { reportText } from './report/text.js';
import { type PartOutcome, runParts } from './run-parts.js';
import { exitCodeOf } from './verdict.js';

/** @returns the exit code where there is nothing to run */
export function parseArguments(args: string[]): BenchOptions | number {
  return readArguments(args, withJson, usage);
}

function withJson(args: string[]): BenchOptions | undefined {
  const options = parseOptions(args);
  if (options?.json !== undefined) checkWritable(options.json);
  return options;
}

/** Before anything is measured: the results would be lost. @throws {UsageError} */
function checkWritable(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw new UsageError(`--json: ${file} can't be written: ${(error as Error).message}`);
  }
}

/** @returns the exit code */
export async function main(options: BenchOptions, signal: AbortSignal): Promise<number> {
  return options.readme ? rewriteReadme() : measure(options, signal);
}

function rewriteReadme(): number {
  const saved = lastSaved();
  if (!saved) {
    console.error('Nothing is saved in bench/results: npm run bench -- --save');
    return 1;
  }
  writeReadme(saved);
  console.log(`README.md has the results of ${saved.date}.`);
  return 0;
}

async function measure(options: BenchOptions, signal: AbortSignal): Promise<number> {
  const start = performance.now();
  const chosen = parts.filter(({ name }) => options.parts.includes(name));
  const outcomes = await runParts(chosen, {
    rounds: options.rounds,
    rows: options.rows,
    signal,
    log: console.log,
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  const document = await documentOf(options, outcomes, seconds);
  console.log(`\n${reportText(document)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, toJson(document));
  if (options.save)
    report(
      save(
        document,
        outcomes.flatMap(({ plots }) => plots),
      ),
    );
  const missed = figuresOf(document).filter((figure) => !isMet(figure));
  console.log(
    missed.length === 0 ? 'Every target is met.' : `Missed: ${missed.map(({ id }) => id).join(', ')}.`,
  );
  return exitCodeOf(document, options.check);
}

function report(files: readonly string[]): void {
  for (const file of files) console.log(`saved ${file}`);
}

async function documentOf(
  options: BenchOptions,
  outcomes: readonly PartOutcome[],
  seconds: number,
): Promise<ResultDocument> {
  return {
    date: new Date().toISOString().slice(0, 10),
    command: commandOf(options),
    rounds: options.rounds,
    seconds,
    machine: await thisMachine(),
    parts: outcomes.map(({ plots, ...outcome }) => ({
      ...outcome,
      plots: plots.map(({ file, title }) => ({ file: `${file}.svg`, title })),
    })),
  };
}
