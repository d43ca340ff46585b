import { withBenchServer } from '../measure/server.js';
import { isWanted } from '../measurements.js';
import type { Part } from '../part.js';
import { microFigures } from './figures.js';
import { burstPlot } from './plots.js';
import { Rounds } from './rounds.js';
import { stepsFor } from './steps.js';

export const microPart: Part = {
  name: 'micro',
  title: 'What acquire and release cost, alone and under contention (rows 1 to 5).',
  async run({ rounds, rows, signal, progress }) {
    // Row 5 has a thousand connections in use.
    const args = ['--max-connections=1200'];
    return withBenchServer({ args, rows: 10, signal }, async ({ connection }) => {
      const results = new Rounds({ connection, signal, rounds, progress });
      for (const { title, cells, most } of stepsFor(rows)) await results.run(title, cells, most);
      return {
        figures: microFigures(results, rows),
        plots: isWanted([4], rows) ? [burstPlot(results)] : [],
      };
    });
  },
};
