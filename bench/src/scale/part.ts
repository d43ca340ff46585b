import type { Part } from '../part.js';
import { clientsScale } from './clients.js';
import { memoryScale } from './memory.js';
import { poolSizeScale } from './pool-size.js';

export const scalePart: Part = {
  name: 'scale',
  title: 'What a request costs as pool and concurrency grow, and what connections, waiters and scopes weigh.',
  async run(stage) {
    const results = [await poolSizeScale(stage), await clientsScale(stage), await memoryScale(stage)];
    return {
      figures: results.flatMap(({ figures }) => figures),
      plots: results.flatMap(({ plots }) => plots),
    };
  },
};
