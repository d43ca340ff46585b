import './augment.js';
import { createPersistent, createPool, currentDb, HandbackError } from '@handback/core';
import { handback as plugin } from './adapter.js';

/** The plugin; CommonJS users, who get this function itself, find the other exports on it. */
const handback = Object.assign(plugin, {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  handback: plugin,
  default: plugin,
});

export type * from '@handback/core';
export type { Handback, HandbackOptions } from './adapter.js';
export {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  handback,
  handback as default,
  handback as 'module.exports',
};
