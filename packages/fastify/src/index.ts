import './augment.js';
import fp from 'fastify-plugin';
import { register } from './adapter.js';

/** `app.register(handback, { uri })`: `request.db` in every handler, `app.db` for everything else. */
const handback = fp(register, { fastify: '5.x', name: '@handback/fastify' });

export type * from '@handback/core';
export { createPool, HandbackError } from '@handback/core';
export type { HandbackOptions } from './adapter.js';
export { handback, handback as default, handback as 'module.exports' };
