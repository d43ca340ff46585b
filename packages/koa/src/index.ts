import './augment.js';
import { createPersistent, createPool, HandbackError } from '@handback/core';
import { handback as plugin } from './adapter.js';

/** The plugin; CommonJS users, who get this function itself, find the other exports on it. */
const handback = Object.assign(plugin, {
  createPersistent,
  createPool,
  HandbackError,
  handback: plugin,
  default: plugin,
});

export type * from '@handback/core';
export type { Handback, HandbackOptions } from './adapter.js';
export {
  createPersistent,
  createPool,
  HandbackError,
  handback,
  handback as default,
  handback as 'module.exports',
};
