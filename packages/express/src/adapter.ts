import {
  type AnswerGate,
  type CloseOptions,
  type ConnectionPool,
  checkRouteOptions,
  Installer,
  Plugin,
  type PluginOptions,
  type RequestView,
  type RouteOptions,
  type RouteSetting,
  refuseRequest,
  routeMarker,
  routeSettingOf,
} from '@handback/core';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { gateOf } from './gate.js';
import { mountOf } from './mounts.js';

export type HandbackOptions = PluginOptions<Request>;

export interface Handback extends RequestHandler {
  /** The pool behind `req.db`, for work outside of requests. */
  readonly pool: ConnectionPool;
  /** Closes the pool if it was made here; for the application's shutdown. */
  close(options?: CloseOptions): Promise<void>;
}

/** A request as the scope asks for it. */
class View implements RequestView<Request> {
  readonly request: Request;
  /** Express takes it back when the router is left, and a report may come later. */
  readonly #baseUrl: string;
  /** Of the route that it had when it was last asked: it costs a search. */
  #named: { readonly route: object; readonly pattern: string } | null = null;

  constructor(request: Request) {
    this.request = request;
    this.#baseUrl = request.baseUrl || '';
  }

  get req(): Request {
    return this.request;
  }

  get res(): Response {
    return this.request.res as Response;
  }

  get routeSetting(): RouteSetting {
    return routeSettingOf(this.request);
  }

  get pattern(): string | undefined {
    const { app, route, baseUrl } = this.request;
    if (!route) return undefined;
    const named = this.#named;
    if (named !== null && named.route === route) return named.pattern;
    const pattern = `${mountOf(app, route, baseUrl || this.#baseUrl)}${route.path}`;
    this.#named = { route, pattern };
    return pattern;
  }

  get gate(): AnswerGate {
    return gateOf(this.request);
  }
}

/**
 * Express changes the prototype of each request, by which each gets a shape of its own in the engine: a property that is added costs
 * more there than all the rest of this middleware. A part that Node gives each request, always of one shape, costs nothing.
 */
function placeOf(req: Request): object {
  return (req as unknown as { _readableState?: object })._readableState ?? req;
}

/** The application's own object, which Express has made the prototype of the request: that is known without a look at the request. */
function prototypeOf(req: Request): object {
  const prototype = Object.getPrototypeOf(req) as Partial<Request>;
  return requestOf(prototype) === prototype ? prototype : (requestOf(req) as object);
}

function requestOf({ app }: Partial<Request>): object | undefined {
  return (app as { request?: object } | undefined)?.request;
}

/**
 * `app.use(handback({ uri }))`: `req.db` in every handler behind it.
 *
 * @throws {HandbackError} INVALID_OPTION
 */
export function handback(options: HandbackOptions): Handback {
  const plugin = new Plugin<Request>(options);
  const installer = new Installer<Request>(plugin, (request) => new View(request), placeOf);
  const middleware = (req: Request, _res: Response, next: NextFunction) => {
    try {
      installer.admit(req, prototypeOf(req));
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
