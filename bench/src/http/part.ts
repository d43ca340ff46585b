import type { Part } from '../part.js';

export const requestPart: Part = {
  name: 'request',
  title: 'What a request pays, without a query, with one and with three (rows 6 to 8).',
  async run() {
    return { figures: [], plots: [] };
  },
};
