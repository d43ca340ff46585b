import type { Part } from '../part.js';

export const connectionsPart: Part = {
  name: 'connections',
  title: 'What opening a connection and cleaning one cost (rows 9 and 10).',
  async run() {
    return { figures: [], plots: [] };
  },
};
