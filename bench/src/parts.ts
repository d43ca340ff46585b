import { connectionsPart } from './connections/part.js';
import { faultsPart } from './faults/part.js';
import { requestPart } from './http/part.js';
import { microPart } from './micro/part.js';
import { overloadPart } from './overload/part.js';
import type { Part } from './part.js';
import { scalePart } from './scale/part.js';

/** In the order of the table. */
export const parts: readonly Part[] = [
  microPart,
  requestPart,
  connectionsPart,
  overloadPart,
  faultsPart,
  scalePart,
];
