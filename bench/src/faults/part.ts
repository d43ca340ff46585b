import type { Part } from '../part.js';

export const faultsPart: Part = {
  name: 'faults',
  title: 'A server that dies or freezes, slow readers and clients that leave (rows 13 to 16).',
  async run() {
    return { figures: [], plots: [] };
  },
};
