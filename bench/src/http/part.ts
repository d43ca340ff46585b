import type { Figure } from '../figure.js';
import { withBenchServer } from '../measure/server.js';
import type { Part } from '../part.js';
import { noQueryFigures } from './no-query-row.js';
import { queryFigures } from './query-rows.js';
import type { Setting } from './setting.js';

export const requestPart: Part = {
  name: 'request',
  title: 'What a request pays, without a query, with one and with three (rows 6 to 8).',
  run: (stage) =>
    withBenchServer({ signal: stage.signal }, async ({ url: uri }) => {
      const setting = { ...stage, uri };
      const figures: Figure[] = [];
      for (const { row, measure } of measurements) {
        if (stage.rows === undefined || (row !== null && stage.rows.includes(row)))
          figures.push(...(await measure(setting)));
      }
      return { figures, plots: [] };
    }),
};

const measurements: ReadonlyArray<{ row: number | null; measure(setting: Setting): Promise<Figure[]> }> = [
  { row: 6, measure: noQueryFigures },
  { row: 7, measure: (setting) => queryFigures('one', setting) },
  { row: 8, measure: (setting) => queryFigures('three', setting) },
  { row: null, measure: (setting) => queryFigures('execute', setting) },
];
