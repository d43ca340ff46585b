import type { IncomingMessage, ServerResponse } from 'node:http';
import { Current, currentOwner, runIn } from './current-db.js';
import type { Owner } from './owner.js';
import type { Scope } from './scope.js';

/** Several registrations of one request share it. */
const currents = new WeakMap<IncomingMessage, Current>();

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
  const current = currents.get(req) ?? begin(req, res, route, id);
  current.name(as, scope);
  return currentOwner() === current ? next() : runIn(current, next);
}

/** A request belongs to nobody else: not to a job that happens to have called `app.inject()`. */
function begin(
  req: IncomingMessage,
  res: ServerResponse,
  route: Entering['route'],
  requestId: Entering['id'],
): Current {
  const current = new Current(route, () => isOver(req, res), null, { method: () => req.method, requestId });
  currents.set(req, current);
  return current;
}

/** With the option `context`: the request as the one who asks for connections. */
export function ownerOf(req: IncomingMessage): Owner | undefined {
  return currents.get(req);
}

function isOver(req: IncomingMessage, res: ServerResponse): boolean {
  return res.writableEnded || res.destroyed || req.socket?.destroyed === true;
}
