import './augment.js';
import { createPersistent, createPool, currentDb, HandbackError } from '@handback/core';
import fp from 'fastify-plugin';
import { register } from './adapter.js';

const plugin = fp(register, { fastify: '5.x', name: '@handback/fastify' });

/**
 * `app.register(handback, { uri })`: `request.db` in every handler, `app.db` for everything else.
 *
 * CommonJS users, who get this function itself, find the other exports on it.
 */
const handback = Object.assign(plugin, {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  handback: plugin,
  default: plugin,
});

export type * from '@handback/core';
export type { HandbackOptions } from './adapter.js';
export {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  handback,
  handback as default,
  handback as 'module.exports',
};
