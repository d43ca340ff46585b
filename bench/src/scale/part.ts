import type { Part } from '../part.js';
import { clientsScale } from './clients.js';
import { memoryScale } from './memory.js';
import { poolSizeScale } from './pool-size.js';

const MOST_ROUNDS = 3;

export const scalePart: Part = {
  name: 'scale',
  title: 'What a request costs as pool and concurrency grow, and what connections, waiters and scopes weigh.',
  async run({ rounds, ...others }) {
    // There is no target: it is the shape that counts.
    const stage = { ...others, rounds: Math.min(rounds, MOST_ROUNDS) };
    const results = [await poolSizeScale(stage), await clientsScale(stage), await memoryScale(stage)];
    return {
      figures: results.flatMap(({ figures }) => figures),
      plots: results.flatMap(({ plots }) => plots),
    };
  },
};
