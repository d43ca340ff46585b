import type { Part } from '../part.js';

export const overloadPart: Part = {
  name: 'overload',
  title: 'How many requests are answered in time when twice as many come as can be served (rows 11 and 12).',
  async run() {
    return { figures: [], plots: [] };
  },
};
