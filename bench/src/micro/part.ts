import type { Part } from '../part.js';

export const microPart: Part = {
  name: 'micro',
  title: 'What acquire and release cost, alone and under contention (rows 1 to 5).',
  async run() {
    return { figures: [], plots: [] };
  },
};
