import { withBenchServer } from '../measure/server.js';
import type { Part } from '../part.js';
import { cleaning } from './cleaning.js';
import { opens } from './opens.js';
import { resetCost } from './reset-cost.js';

export const connectionsPart: Part = {
  name: 'connections',
  title: 'What opening a connection and cleaning one cost (rows 9 and 10).',
  run: (stage) =>
    withBenchServer({ args: ['--max-connections=300'], signal: stage.signal }, async ({ url }) => {
      const rows = [opens, cleaning, resetCost];
      const figures = [];
      for (const measure of rows) figures.push(...(await measure(url, stage)));
      return { figures, plots: [] };
    }),
};
