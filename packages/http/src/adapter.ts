import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type AnswerGate,
  type CloseOptions,
  type ConnectionPool,
  clientLeft,
  decideTransaction,
  Installer,
  Plugin,
  type PluginOptions,
  type RequestView,
  type RouteSetting,
  type Rules,
  routeSettingOf,
} from '@handback/core';
import type { Request } from './augment.js';
import { answerFailure, report } from './failure.js';
import { gateOf } from './gate.js';
import { type AnyRequest, checkHandler, patternOf } from './routes.js';

export interface HandbackOptions<As extends string = string> extends PluginOptions<IncomingMessage> {
  as?: As;
  /**
   * Told of what a handler threw or was rejected with, after the request was answered. By default the errors that are
   * answered with a 5xx go to stderr, but for those of an exhausted pool, which gives warnings of its own.
   */
  onError?: (error: unknown, req: IncomingMessage) => void;
}

/** A listener for the `request` event of `node:http`, `node:https` and `node:http2` servers. */
export interface Handback {
  (req: Http2ServerRequest, res: Http2ServerResponse): void;
  (req: IncomingMessage, res: ServerResponse): void;
  /** The pool behind `req.db`, for work outside of requests. */
  readonly pool: ConnectionPool;
  /** Closes the pool if it was made here; for the server's shutdown. */
  close(options?: CloseOptions): Promise<void>;
}

const OWN_OPTIONS: Rules = {
  onError: { allowed: 'a function', accepts: (value) => typeof value === 'function' },
};

/** Where a request keeps its response. */
const RESPONSE = Symbol('handback.response');
type WithResponse = { [RESPONSE]: ServerResponse };

type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

/** A request as the scope asks for it. */
class View implements RequestView<IncomingMessage> {
  readonly request: IncomingMessage;
  readonly res: ServerResponse;
  readonly #fail: Fail;

  constructor(request: IncomingMessage, fail: Fail) {
    this.request = request;
    this.res = (request as unknown as WithResponse)[RESPONSE];
    this.#fail = fail;
  }

  get req(): IncomingMessage {
    return this.request;
  }

  get routeSetting(): RouteSetting {
    return routeSettingOf(this.request);
  }

  get pattern(): string | undefined {
    return patternOf(this.request);
  }

  get gate(): AnswerGate {
    return gateOf(this.request, this.res, this.#fail);
  }
}

/**
 * `createServer(withDatabase(handler, { uri }))`: `req.db` in the handler. A handler that throws, or whose promise is
 * rejected, is answered for: 500, or what the error's `statusCode` says.
 *
 * @throws {HandbackError} INVALID_OPTION
 */
export function withDatabase<
  const As extends string = 'db',
  Req extends AnyRequest = Request<As>,
  Res = ServerResponse,
>(handler: (req: Req, res: Res) => unknown, options: HandbackOptions<As>): Handback {
  checkHandler('withDatabase', handler);
  const plugin = new Plugin<IncomingMessage>(options, OWN_OPTIONS);
  const installer = new Installer<IncomingMessage>(plugin, (request) => new View(request, fail));
  const handle = handler as (req: unknown, res: unknown) => unknown;
  const { onError = report } = options;

  /** The handler is over, and nothing on the response will tell. */
  function over(req: IncomingMessage): void {
    decideTransaction(installer.scopeOf(req), false);
    installer.settled(req);
  }

  function fail(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    if (!answerFailure(res, error)) over(req);
    onError(error, req);
  }

  function listener(req: IncomingMessage, res: ServerResponse): unknown {
    try {
      (req as unknown as WithResponse)[RESPONSE] = res;
      installer.admit(req);
      const work = installer.enter(req, () => handle(req, res));
      if (!isPromise(work)) return undefined;
      const settled = () => {
        if (clientLeft(req, res)) over(req);
      };
      // Returned for a listener around this one, which waits for it in the same way.
      return work.then(settled, (error) => fail(req, res, error));
    } catch (error) {
      fail(req, res, error);
      return undefined;
    }
  }

  return Object.assign(listener as Handback, {
    pool: plugin.pool,
    close: (closing?: CloseOptions) => plugin.close(closing),
  });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
