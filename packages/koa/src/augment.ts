import type { Scope } from '@handback/core';

declare module 'koa' {
  interface DefaultContext {
    /** This request's view of the pool: a connection on the first query, handed back when the response ends. */
    db: Scope;
  }
}
