import {
  type AnswerGate,
  alreadyRegistered,
  type ConnectionPool,
  checkRouteSetting,
  Plugin,
  type PluginOptions,
  type PoolEventMap,
  type RequestView,
  type RouteSetting,
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
      slots[slot] ??= plugin.scope(new View(this));
      return slots[slot];
    },
    // Tests put a double there.
    setter(this: FastifyRequest, value: unknown) {
      (this as unknown as Record<symbol, unknown>)[slot] = value;
    },
  });
  if (plugin.context) {
    app.addHook('onRequest', (request, _reply, done) =>
      plugin.enter(new View(request), () => (request as unknown as Record<string, Scope>)[as] as Scope, done),
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

/** A request as the scope asks for it. */
class View implements RequestView<FastifyRequest> {
  readonly request: FastifyRequest;
  readonly req: FastifyRequest['raw'];
  readonly res: FastifyReply['raw'];
  readonly #reply: FastifyReply;
  #config: FastifyContextConfig | undefined;

  constructor(request: FastifyRequest) {
    this.#reply = replyOf(request);
    this.request = request;
    this.req = request.raw;
    this.res = this.#reply.raw;
  }

  get longLived(): boolean {
    const { sent, raw } = this.#reply;
    const isHijacked = sent && !raw.writableEnded;
    return isHijacked || startsAsEventStream(this.#reply.getHeader('content-type'));
  }

  get routeSetting(): RouteSetting {
    // Asked with every statement, and Fastify makes the object anew each time.
    this.#config ??= this.request.routeOptions.config ?? {};
    return this.#config.handback;
  }

  get pattern(): string | undefined {
    return this.request.routeOptions.url;
  }

  get requestId(): string {
    return this.request.id;
  }

  get gate(): AnswerGate {
    return gateOf(this.#reply);
  }
}
