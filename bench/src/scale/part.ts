import type { Part } from '../part.js';

export const scalePart: Part = {
  name: 'scale',
  title: 'What a request costs as pool and concurrency grow, and what connections, waiters and scopes weigh.',
  async run() {
    return { figures: [], plots: [] };
  },
};
