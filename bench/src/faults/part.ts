import { type Measurement, measureWanted } from '../measurements.js';
import type { Part, Stage } from '../part.js';
import { aborts } from './aborts.js';
import { frozen } from './freeze.js';
import { killed } from './kill.js';
import { slowReaders } from './slow-readers.js';

export const faultsPart: Part = {
  name: 'faults',
  title: 'A server that dies or freezes, slow readers and clients that leave (rows 13 to 16).',
  async run(stage) {
    return { figures: await measureWanted(measurements, stage), plots: [] };
  },
};

const measurements: ReadonlyArray<Measurement<Stage>> = [
  { rows: [13], measure: killed },
  { rows: [14], measure: frozen },
  { rows: [15], measure: slowReaders },
  { rows: [16], measure: aborts },
];
