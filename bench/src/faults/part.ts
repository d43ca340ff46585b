import type { Part } from '../part.js';
import { aborts } from './aborts.js';
import { frozen } from './freeze.js';
import { killed } from './kill.js';
import { slowReaders } from './slow-readers.js';

export const faultsPart: Part = {
  name: 'faults',
  title: 'A server that dies or freezes, slow readers and clients that leave (rows 13 to 16).',
  async run(stage) {
    const rows = [killed, frozen, slowReaders, aborts];
    const figures = [];
    for (const measure of rows) figures.push(...(await measure(stage)));
    return { figures, plots: [] };
  },
};
