import type { Scope } from '@handback/core';

declare global {
  // The place that Express gives to extensions of its request.
  namespace Express {
    interface Request {
      /** This request's view of the pool: a connection on the first query, handed back when the response ends. */
      db: Scope;
    }
  }
}
