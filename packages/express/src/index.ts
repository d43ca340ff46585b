import './augment.js';
import { handback } from './adapter.js';

export type * from '@handback/core';
export { createPool, HandbackError } from '@handback/core';
export type { Handback, HandbackOptions } from './adapter.js';
export { handback, handback as default, handback as 'module.exports' };
