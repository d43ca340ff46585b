import { withBenchServer } from '../measure/server.js';
import { type Measurement, measureWanted } from '../measurements.js';
import type { Part, Stage } from '../part.js';
import { noQueryFigures } from './no-query-row.js';
import { queryFigures } from './query-rows.js';
import type { Setting } from './setting.js';

export const requestPart: Part = {
  name: 'request',
  title: 'What a request pays, without a query, with one and with three (rows 6 to 8).',
  run: (stage) =>
    withBenchServer({ signal: stage.signal }, async ({ url: uri }) => {
      const figures = await measureWanted(measurements, { ...stage, uri });
      return { figures, plots: [] };
    }),
};

const measurements: ReadonlyArray<Measurement<Setting & Stage>> = [
  { rows: [6], measure: noQueryFigures },
  { rows: [7], measure: (setting) => queryFigures('one', setting) },
  { rows: [8], measure: (setting) => queryFigures('three', setting) },
  { rows: [], measure: (setting) => queryFigures('execute', setting) },
];
