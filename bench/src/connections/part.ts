import { withBenchServer } from '../measure/server.js';
import { type Measurement, measureWanted } from '../measurements.js';
import type { Part, Stage } from '../part.js';
import { cleaning } from './cleaning.js';
import { opens } from './opens.js';
import { resetCost } from './reset-cost.js';

export const connectionsPart: Part = {
  name: 'connections',
  title: 'What opening a connection and cleaning one cost (rows 9 and 10).',
  run: (stage) =>
    withBenchServer({ args: ['--max-connections=300'], signal: stage.signal }, async ({ url }) => {
      const figures = await measureWanted(measurements, { ...stage, url });
      return { figures, plots: [] };
    }),
};

const measurements: ReadonlyArray<Measurement<Stage & { url: string }>> = [
  { rows: [9], measure: (setting) => opens(setting.url, setting) },
  { rows: [10], measure: (setting) => cleaning(setting.url, setting) },
  { rows: [10], measure: (setting) => resetCost(setting.url, setting) },
];
