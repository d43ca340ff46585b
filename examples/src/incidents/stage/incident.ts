import type { Stage } from './stage.js';

/** What came of it on one side: without Handback, or with it. */
export interface Side {
  readonly name: string;
  /** The rows of the table at the end; each side has the same ones. */
  readonly figures: Readonly<Record<string, number | string>>;
  /** Whom the incident has hit; 0 = it did not happen. */
  readonly hit: number;
}

export interface Incident {
  readonly number: number;
  readonly title: string;
  /** Arguments of the database server. */
  limits(isShort: boolean): string[];
  /** The first side is the one without Handback, the last the one with it. */
  run(stage: Stage): Promise<Side[]>;
}
