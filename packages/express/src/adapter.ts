import {
  type CloseOptions,
  type ConnectionPool,
  checkRouteOptions,
  Installer,
  Plugin,
  type PluginOptions,
  type RouteOptions,
  refuseRequest,
  routeMarker,
  routeSettingOf,
} from '@handback/core';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { gateOf } from './gate.js';

export type HandbackOptions = PluginOptions<Request>;

export interface Handback extends RequestHandler {
  /** The pool behind `req.db`, for work outside of requests. */
  readonly pool: ConnectionPool;
  /** Closes the pool if it was made here; for the application's shutdown. */
  close(options?: CloseOptions): Promise<void>;
}

function view(request: Request) {
  // Express takes it back when the router is left, and a report may come later.
  const baseUrl = request.baseUrl || '';
  return {
    request,
    req: request,
    res: request.res as Response,
    get routeSetting() {
      return routeSettingOf(request);
    },
    get pattern() {
      return request.route ? `${request.baseUrl || baseUrl}${request.route.path}` : undefined;
    },
    get gate() {
      return gateOf(request);
    },
  };
}

/**
 * `app.use(handback({ uri }))`: `req.db` in every handler behind it.
 *
 * @throws {HandbackError} INVALID_OPTION
 */
export function handback(options: HandbackOptions): Handback {
  const plugin = new Plugin<Request>(options);
  const installer = new Installer<Request>(plugin, view);
  const middleware = (req: Request, _res: Response, next: NextFunction) => {
    try {
      installer.admit(req, (req.app as unknown as { request: object }).request);
    } catch (error) {
      next(error);
      return;
    }
    installer.enter(req, next);
  };
  return Object.assign(middleware, {
    pool: plugin.pool,
    close: (closing?: CloseOptions) => plugin.close(closing),
  });
}

/** Takes any route: it must not widen the parameters of the handlers behind it. */
// biome-ignore lint/suspicious/noExplicitAny: `RequestHandler<any>` is what leaves their inference alone
type RouteMarker = RequestHandler<any, any, any, any>;

function marker(setting: false | RouteOptions): RouteMarker {
  const mark = routeMarker(setting);
  return (req, _res, next) => {
    mark(req);
    next();
  };
}

/** Route middleware: `req.db` rejects `ROUTE_OPTED_OUT` here. */
handback.off = (...nothing: never[]): RouteMarker => {
  refuseRequest(nothing);
  return marker(false);
};

/** Route middleware: options for this route. @throws {HandbackError} INVALID_OPTION */
handback.route = (options: RouteOptions): RouteMarker => {
  checkRouteOptions(options);
  return marker(options);
};
