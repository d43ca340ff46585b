import { createPersistent, createPool, currentDb, HandbackError } from '@handback/core';
import { withDatabase as plugin } from './adapter.js';
import { off, route } from './routes.js';

/** The plugin; CommonJS users, who get this function itself, find the other exports on it. */
const withDatabase = Object.assign(plugin, {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  off,
  route,
  withDatabase: plugin,
  default: plugin,
});

export type * from '@handback/core';
export type { Handback, HandbackOptions } from './adapter.js';
export type { Http2Request, Request } from './augment.js';
export type { HttpRouteOptions } from './routes.js';
export {
  createPersistent,
  createPool,
  currentDb,
  HandbackError,
  off,
  route,
  withDatabase,
  withDatabase as default,
  withDatabase as 'module.exports',
};
