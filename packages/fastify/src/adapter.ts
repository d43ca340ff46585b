import {
  alreadyRegistered,
  type ConnectionPool,
  checkRouteSetting,
  Plugin,
  type PluginOptions,
  type PoolEventMap,
  type Scope,
  startsAsEventStream,
} from '@handback/core';
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addCommitGate, gateOf } from './gate.js';

export type HandbackOptions = PluginOptions<FastifyRequest>;

/** Where a request keeps its reply, for the scope to find the raw response. */
const REPLY = Symbol('handback.reply');
type WithReply = FastifyRequest & { [REPLY]: FastifyReply };

function decorateWithReply(app: FastifyInstance): void {
  if (app.hasRequestDecorator(REPLY)) return;
  app.decorateRequest(REPLY, null);
  app.addHook('onRequest', (request, reply, done) => {
    (request as WithReply)[REPLY] = reply;
    done();
  });
}

/** The pool's warnings go to the application's log, when it has one. */
function logWarnings(app: FastifyInstance, pool: ConnectionPool): void {
  if (!('level' in app.log)) return;
  const log = ({ message, ...facts }: PoolEventMap['warning'][0]) => app.log.warn(facts, message);
  pool.events.on('warning', log);
  app.addHook('onClose', () => void pool.events.off('warning', log));
}

export async function register(app: FastifyInstance, options: HandbackOptions): Promise<void> {
  const as = options?.as ?? 'db';
  if (app.hasDecorator(as) || app.hasRequestDecorator(as)) throw alreadyRegistered(as);
  const plugin = new Plugin<FastifyRequest>(options);
  const slot = Symbol(`handback.${as}`);
  decorateWithReply(app);
  app.decorate(as, plugin.pool);
  app.decorateRequest(slot, null);
  app.decorateRequest(as, {
    getter(this: FastifyRequest) {
      const slots = this as unknown as Record<symbol, unknown>;
      slots[slot] ??= plugin.scope(view(this));
      return slots[slot];
    },
    // Tests put a double there.
    setter(this: FastifyRequest, value: unknown) {
      (this as unknown as Record<symbol, unknown>)[slot] = value;
    },
  });
  if (plugin.context) {
    app.addHook('onRequest', (request, _reply, done) =>
      plugin.enter(view(request), () => (request as unknown as Record<string, Scope>)[as] as Scope, done),
    );
  }
  app.addHook('onRoute', (route) => {
    const setting = route.config?.handback;
    checkRouteSetting(setting);
    if (plugin.runsInTransaction(setting)) {
      addCommitGate(route, (request) => (request as unknown as Record<symbol, unknown>)[slot]);
    }
  });
  app.addHook('onClose', () => plugin.close());
  logWarnings(app, plugin.pool);
}

function replyOf(request: FastifyRequest): FastifyReply {
  const reply = (request as WithReply)[REPLY] as FastifyReply | null;
  if (reply) return reply;
  throw new TypeError(
    'This onRequest hook was added before Handback: register Handback first to use it there.',
  );
}

function view(request: FastifyRequest) {
  const reply = replyOf(request);
  let config: FastifyContextConfig | undefined;
  return {
    request,
    req: request.raw,
    res: reply.raw,
    get longLived() {
      const isHijacked = reply.sent && !reply.raw.writableEnded;
      return isHijacked || startsAsEventStream(reply.getHeader('content-type'));
    },
    get routeSetting() {
      // Asked with every statement, and Fastify makes the object anew each time.
      config ??= request.routeOptions.config ?? {};
      return config.handback;
    },
    get pattern() {
      return request.routeOptions.url;
    },
    get gate() {
      return gateOf(replyOf(request));
    },
  };
}
