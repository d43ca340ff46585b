import type { IncomingMessage, ServerResponse } from 'node:http';
import { Current, currentOwner, runIn } from './current-db.js';
import type { Owner } from './owner.js';
import type { Scope } from './scope.js';

/** On the request itself: several registrations of one request share it, and nothing outlives the request. */
const CURRENT = Symbol('handback.current');

type Marked = IncomingMessage & { [CURRENT]?: Current };

/** The raw request, and what the framework knows of it. */
export interface Entering {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly as: string;
  /** What the request has under that name: also a double that a test has put there. */
  readonly scope: () => Scope;
  readonly route: () => string;
  readonly id: () => string | undefined;
}

/** Runs `next`, and with it the rest of the request, where `currentDb(as)` finds its scope. */
export function enterRequest<T>({ req, res, as, scope, route, id }: Entering, next: () => T): T {
  const marked = req as Marked;
  // A request belongs to nobody else: not to a job that happens to have called `app.inject()`.
  marked[CURRENT] ??= new Current(route, () => isOver(req, res), null, {
    method: () => req.method,
    requestId: id,
  });
  const current = marked[CURRENT];
  current.name(as, scope);
  return currentOwner() === current ? next() : runIn(current, next);
}

/** With the option `context`: the request as the one who asks for connections. */
export function ownerOf(req: IncomingMessage): Owner | undefined {
  return (req as Marked)[CURRENT];
}

function isOver(req: IncomingMessage, res: ServerResponse): boolean {
  return res.writableEnded || res.destroyed || req.socket?.destroyed === true;
}
