import type { Figure } from './figure.js';
import type { Stage } from './part.js';

/** Something that a part measures by itself. */
export interface Measurement<Setting> {
  /** Rows of the table that it is for; none = information, which is measured where all is. */
  readonly rows: readonly number[];
  measure(setting: Setting): Promise<Figure[]> | Figure[];
}

/** Whether a row of those was asked for. */
export function isWanted(rows: readonly number[], asked: Stage['rows']): boolean {
  return asked === undefined || rows.some((row) => asked.includes(row));
}

/** One after the other, and only those that the asked rows need. */
export async function measureWanted<Setting extends Pick<Stage, 'rows'>>(
  measurements: ReadonlyArray<Measurement<Setting>>,
  setting: Setting,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { rows, measure } of measurements)
    if (isWanted(rows, setting.rows)) figures.push(...(await measure(setting)));
  return figures;
}
