import type { Figure } from './figure.js';
import type { Plot } from './report/plot.js';

export const partNames = ['micro', 'request', 'connections', 'overload', 'faults', 'scale'] as const;
export type PartName = (typeof partNames)[number];

/** What a part is given to work with. */
export interface Stage {
  /** How many rounds the figures are the median of. */
  readonly rounds: number;
  /** A part may leave out what belongs to other rows; undefined = all of it is wanted. */
  readonly rows?: readonly number[] | undefined;
  /** Tells what is under way; shown while it runs. */
  progress(line: string): void;
  /** Aborts on Ctrl-C: everything that was started is ended. */
  readonly signal: AbortSignal;
}

export interface PartResult {
  /** Rows of the table, in its order; those without targets are shown below it. */
  readonly figures: Figure[];
  readonly plots: Plot[];
}

/** One of the parts of `npm run bench`, which can be run by itself: `npm run bench -- micro`. */
export interface Part {
  readonly name: PartName;
  /** What it measures, in a sentence. */
  readonly title: string;
  run(stage: Stage): Promise<PartResult>;
}
