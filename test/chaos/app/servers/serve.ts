import type { Server } from 'node:http';
import type { Framework } from '../../types.js';
import type { Listening, Route, Visit } from '../route.js';
import type { Plugin } from './plugin.js';

/** The part of a visit that the framework knows. */
export type Arrival = Omit<Visit, 'session' | 'visitor' | 'inTransaction'>;

/** Where every request comes in, whatever the framework. */
export interface Door {
  plugin: Plugin | undefined;
  /** Settles as the handler does. */
  enter(route: Route, arrival: Arrival): Promise<void>;
}

export type Serve = (routes: readonly Route[], door: Door) => Promise<Listening>;

export async function serveOn(framework: Framework): Promise<Serve> {
  switch (framework) {
    case 'fastify':
      return (await import('./fastify.js')).serveFastify;
    case 'express':
      return (await import('./express.js')).serveExpress;
    case 'koa':
      return (await import('./koa.js')).serveKoa;
  }
}

export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await closed;
}
