import type { ConnectionPool, RouteSetting, Scope } from '@handback/core';

declare module 'fastify' {
  interface FastifyInstance {
    /** The pool of the registration without `as`. */
    db: ConnectionPool;
  }
  interface FastifyRequest {
    /** This request's view of the pool: a connection on the first query, handed back when the response ends. */
    db: Scope;
  }
  interface FastifyContextConfig {
    /** `false` = this route is opted out; or options of its own. */
    handback?: RouteSetting;
  }
}
