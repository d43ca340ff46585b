import {
  type AnswerGate,
  type CloseOptions,
  type ConnectionPool,
  checkRouteOptions,
  decideTransaction,
  decideWithStream,
  Installer,
  isAnswered,
  Plugin,
  type PluginOptions,
  type RequestView,
  type RouteOptions,
  type RouteSetting,
  refuseRequest,
  routeMarker,
  routeSettingOf,
  type Scope,
} from '@handback/core';
import type { Context, Middleware } from 'koa';
import { gateOf, hasSucceeded, isWhole } from './gate.js';

export type HandbackOptions = PluginOptions<Context>;

export interface Handback extends Middleware {
  /** The pool behind `ctx.db`, for work outside of requests. */
  readonly pool: ConnectionPool;
  /** Closes the pool if it was made here; for the application's shutdown. */
  close(options?: CloseOptions): Promise<void>;
}

/** A request as the scope asks for it. */
class View implements RequestView<Context> {
  readonly request: Context;

  constructor(ctx: Context) {
    this.request = ctx;
  }

  get req(): Context['req'] {
    return this.request.req;
  }

  get res(): Context['res'] {
    return this.request.res;
  }

  get routeSetting(): RouteSetting {
    return routeSettingOf(this.request.req);
  }

  get longLived(): boolean {
    return this.request.respond === false;
  }

  get pattern(): string | undefined {
    const { _matchedRoute } = this.request as { _matchedRoute?: unknown };
    return _matchedRoute === undefined ? undefined : String(_matchedRoute);
  }

  get gate(): AnswerGate {
    return gateOf(this.request);
  }
}

/**
 * `app.use(handback({ uri }))`: `ctx.db` in every handler behind it.
 *
 * @throws {HandbackError} INVALID_OPTION
 */
export function handback(options: HandbackOptions): Handback {
  const plugin = new Plugin<Context>(options);
  const installer = new Installer<Context>(plugin, (ctx) => new View(ctx));
  const middleware: Middleware = async (ctx, next) => {
    installer.admit(ctx as Context, ctx.app.context);
    try {
      await installer.enter(ctx as Context, next);
      const scope = installer.scopeOf(ctx as Context);
      if (scope) await answered(ctx as Context, scope);
    } catch (error) {
      decideTransaction(installer.scopeOf(ctx as Context), false);
      throw error;
    } finally {
      // Koa does not end a response whose client has left.
      if (!ctx.writable && ctx.respond !== false) installer.settled(ctx as Context);
    }
  };
  return Object.assign(middleware, {
    pool: plugin.pool,
    close: (closing?: CloseOptions) => plugin.close(closing),
  });
}

/** The handler has settled: its answer decides the transaction of its route, if there is one. */
async function answered(ctx: Context, scope: Scope): Promise<void> {
  // Koa would see it on the raw response, were it not held.
  if (isAnswered(ctx.res)) ctx.respond = false;
  if (isWhole(ctx)) await decideTransaction(scope, () => hasSucceeded(ctx));
  else if (ctx.respond !== false) decideWithStream(scope, ctx.req, ctx.res);
}

function marker(setting: false | RouteOptions): Middleware {
  const mark = routeMarker(setting);
  return (ctx, next) => {
    mark(ctx.req);
    return next();
  };
}

/** Route middleware: `ctx.db` rejects `ROUTE_OPTED_OUT` here. */
handback.off = (...nothing: never[]): Middleware => {
  refuseRequest(nothing);
  return marker(false);
};

/** Route middleware: options for this route. @throws {HandbackError} INVALID_OPTION */
handback.route = (options: RouteOptions): Middleware => {
  checkRouteOptions(options);
  return marker(options);
};
