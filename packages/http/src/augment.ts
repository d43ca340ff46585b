import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Scope } from '@handback/core';

// Node's own request type is left alone: it is that of every other server in the program too.

/**
 * A request that has passed `withDatabase`. `db` (or what `as` says) is this request's view of the pool: a connection on
 * the first query, handed back when the response ends.
 */
export type Request<As extends string = 'db'> = IncomingMessage & Record<As, Scope>;

/** The same on a server of `node:http2`. */
export type Http2Request<As extends string = 'db'> = Http2ServerRequest & Record<As, Scope>;
