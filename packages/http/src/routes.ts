import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { checkRouteOptions, HandbackError, type RouteOptions, routeMarker } from '@handback/core';
import type { Request } from './augment.js';

export interface HttpRouteOptions extends RouteOptions {
  /** What the route is called in messages and reports. @default the method and '(unmatched)' */
  pattern?: string;
}

export type AnyRequest = IncomingMessage | Http2ServerRequest;

/** A request listener, or what a router calls in its place, with further arguments. */
type Handler<Req, Res, Rest extends unknown[]> = (req: Req, res: Res, ...rest: Rest) => unknown;

const PATTERN = Symbol('handback.pattern');
type Named = { [PATTERN]?: string };

export function patternOf(req: IncomingMessage): string | undefined {
  return (req as Named)[PATTERN];
}

/** The handler of a route without a database: there `req.db` rejects `ROUTE_OPTED_OUT`. @throws {HandbackError} INVALID_OPTION */
export function off<Req extends AnyRequest = Request, Res = ServerResponse, Rest extends unknown[] = []>(
  handler: Handler<Req, Res, Rest>,
): Handler<Req, Res, Rest> {
  return marked('off', handler, routeMarker(false));
}

/**
 * The handler of a route with options of its own, a name, or both: `route({ pattern: '/health' }, off(handler))`.
 *
 * @throws {HandbackError} INVALID_OPTION
 */
export function route<Req extends AnyRequest = Request, Res = ServerResponse, Rest extends unknown[] = []>(
  options: HttpRouteOptions,
  handler: Handler<Req, Res, Rest>,
): Handler<Req, Res, Rest> {
  const { pattern, ...settings } = options ?? {};
  checkRouteOptions(options === undefined ? options : settings);
  if (pattern !== undefined && (typeof pattern !== 'string' || pattern === ''))
    throw new HandbackError('INVALID_OPTION', "Option 'pattern' must be a non-empty string.");
  const mark = routeMarker(settings);
  // A pattern alone must not undo `off`, whichever is the outer one.
  const isNameOnly = pattern !== undefined && Object.keys(settings).length === 0;
  return marked('route', handler, (req) => {
    if (!isNameOnly) mark(req);
    if (pattern !== undefined) (req as Named)[PATTERN] = pattern;
  });
}

function marked<Req, Res, Rest extends unknown[]>(
  name: string,
  handler: Handler<Req, Res, Rest>,
  mark: (req: IncomingMessage) => void,
): Handler<Req, Res, Rest> {
  checkHandler(name, handler);
  return function (this: unknown, req, res, ...rest) {
    mark(req as IncomingMessage);
    return handler.call(this, req, res, ...rest);
  };
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkHandler(name: string, handler: unknown): void {
  if (typeof handler === 'function') return;
  throw new HandbackError(
    'INVALID_OPTION',
    `${name}() takes a handler: (req, res) => …; got ${typeof handler}.`,
  );
}
