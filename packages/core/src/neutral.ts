import { AsyncResource } from 'node:async_hooks';

/** As it was when this module was loaded: outside of every request. */
const resource = new AsyncResource('handback');

/**
 * Calls `fn` outside of every async context. What lives longer than a request (sockets, timers, promises that are kept)
 * keeps the context in which it was made, and with it the store of an AsyncLocalStorage, ours or anybody's.
 */
export function outsideRequests<T>(fn: () => T): T {
  return resource.runInAsyncScope(fn);
}
