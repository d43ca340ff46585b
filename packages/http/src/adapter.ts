import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  type CloseOptions,
  type ConnectionPool,
  clientLeft,
  Installer,
  Plugin,
  type PluginOptions,
  type Rules,
  routeSettingOf,
} from '@handback/core';
import type { Request } from './augment.js';
import { answerFailure, report } from './failure.js';
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

function view(request: IncomingMessage) {
  return {
    request,
    req: request,
    res: (request as unknown as WithResponse)[RESPONSE],
    get routeSetting() {
      return routeSettingOf(request);
    },
    get pattern() {
      return patternOf(request);
    },
  };
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
  const installer = new Installer<IncomingMessage>(plugin, view);
  const handle = handler as (req: unknown, res: unknown) => unknown;
  const { onError = report } = options;

  function failed(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    answerFailure(req, res, error);
    installer.settled(req);
    onError(error, req);
  }

  function listener(req: IncomingMessage, res: ServerResponse): void {
    let work: unknown;
    try {
      (req as unknown as WithResponse)[RESPONSE] = res;
      installer.admit(req);
      work = handle(req, res);
    } catch (error) {
      failed(req, res, error);
      return;
    }
    if (!isPromise(work)) return;
    const settled = () => {
      if (clientLeft(req, res)) installer.settled(req);
    };
    work.then(settled, (error) => failed(req, res, error));
  }

  return Object.assign(listener as Handback, {
    pool: plugin.pool,
    close: (closing?: CloseOptions) => plugin.close(closing),
  });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
