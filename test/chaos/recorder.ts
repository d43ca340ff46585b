import { appendFileSync, writeFileSync } from 'node:fs';
import type { ChaosOptions } from './options.js';
import type { Progress } from './progress.js';
import type { PhaseResult } from './results.js';

const minuteMs = 60_000;

function begin(json: string): void {
  try {
    writeFileSync(json, '');
  } catch (error) {
    throw new Error(`--json: ${json} can't be written: ${(error as Error).message}`, { cause: error });
  }
}

/** The results for programs: one JSON document a line, written at once, so that a run that ends early has its lines too. */
export class Recorder {
  readonly #file: string | undefined;
  #minute = 0;

  constructor({ json, ...run }: ChaosOptions) {
    this.#file = json;
    if (json !== undefined) begin(json);
    this.#write('run', { ...run, startedAt: new Date().toISOString() });
  }

  /** One line for each minute of the run; `counts` are those of the contender at that moment. */
  progress(progress: Progress, counts: Record<string, number>): void {
    const minute = Math.floor(progress.elapsedMs / minuteMs);
    if (minute <= this.#minute) return;
    this.#minute = minute;
    this.#write('minute', { minute, ...progress, counts });
  }

  phase(result: PhaseResult): void {
    this.#write('phase', { ...result });
  }

  end(passed: boolean): void {
    this.#write('end', { passed });
  }

  #write(kind: string, facts: Record<string, unknown>): void {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify({ kind, ...facts })}\n`);
  }
}
