import {
  type AnswerGate,
  checkRouteSetting,
  clientLeft,
  Installer,
  Plugin,
  type PluginOptions,
  type RouteSetting,
  type Scope,
} from '@handback/core';
import type { Chain, Context } from './chain.js';

declare module './chain.js' {
  interface Context {
    db: Scope;
  }
}

export type HandbackOptions = PluginOptions<Context>;

/** `handback(app, { uri })`: `ctx.db` in every handler. Returns the pool, for everything else. */
export function handback(app: Chain, options: HandbackOptions) {
  const plugin = new Plugin<Context>(options); // 1
  const installer = new Installer<Context>(plugin, (ctx) => view(app, ctx));
  app.onRoute(({ config }) => checkRouteSetting(config?.handback));
  app.use(async (ctx, next) => {
    installer.admit(ctx, app.context); // 2
    try {
      await installer.enter(ctx, next);
    } finally {
      if (clientLeft(ctx.req, ctx.res)) installer.settled(ctx);
    }
  });
  app.onClose(() => plugin.close()); // 3
  return plugin.pool;
}

function view(app: Chain, ctx: Context) {
  return {
    request: ctx,
    req: ctx.req,
    res: ctx.res,
    get routeSetting() {
      return ctx.route?.config?.handback as RouteSetting;
    },
    get pattern() {
      return ctx.route?.path;
    },
    get gate() {
      return gateOf(app, ctx); // 4
    },
  };
}

function gateOf(app: Chain, ctx: Context): AnswerGate {
  return {
    fail(error) {
      app.fail(ctx, error);
      return true;
    },
  };
}
