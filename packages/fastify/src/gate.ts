import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type AnswerGate, copyHeaders, decideTransaction, decideWithStream } from '@handback/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

const FAILED = Symbol('handback.failed');
/** The body is a stream that Fastify has begun to send. */
const STREAMED = Symbol('handback.streamed');
/** The answer waits for COMMIT. */
const DECIDING = Symbol('handback.deciding');
type Marked = FastifyRequest & { [FAILED]?: true; [STREAMED]?: true; [DECIDING]?: true | undefined };

/** The request has thrown, whatever status an error handler answers with. */
function mark(request: FastifyRequest): void {
  (request as Marked)[FAILED] = true;
}

/** All else is written to the raw response piece by piece and decided there, with its last piece; or Fastify refuses it. */
function isWhole(payload: unknown): boolean {
  return payload === undefined || payload === null || typeof payload === 'string' || Buffer.isBuffer(payload);
}

/** @throws {TypeError} what Node would throw behind COMMIT */
function checkHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
  }
}

/**
 * COMMIT before the answer leaves: on routes with a transaction, as their last onSend hook. It runs again for the error
 * that a failed COMMIT is answered with.
 */
export function addCommitGate(route: RouteOptions, scopeOf: (request: FastifyRequest) => unknown): void {
  const gate = (
    request: FastifyRequest,
    reply: FastifyReply,
    payload: unknown,
    done: (error: Error | null, payload?: unknown) => void,
  ) => {
    const marked = request as Marked;
    const succeeded = reply.statusCode < 400 && !marked[FAILED];
    if (succeeded && !isWhole(payload)) {
      marked[STREAMED] = true;
      decideWithStream(scopeOf(request), request.raw, reply.raw);
      return done(null, payload);
    }
    let decided: Promise<void> | null;
    try {
      decided = decideTransaction(scopeOf(request), () => {
        if (succeeded) checkHeaders(reply);
        return succeeded;
      });
    } catch (error) {
      return done(error as Error);
    }
    if (!decided) return done(null, payload);
    marked[DECIDING] = true;
    const goOn = (error: Error | null) => {
      marked[DECIDING] = undefined;
      done(error, payload);
    };
    decided
      .then(() => goOn(null), goOn)
      // Without a promise in between Fastify would have caught it.
      .catch(done)
      .catch((error) => reply.raw.destroy(error));
  };
  route.onSend = [...[route.onSend ?? []].flat(), gate as never];
  const { errorHandler } = route;
  route.errorHandler = function marking(this: FastifyInstance, error, request, reply) {
    mark(request);
    // Without one of its own: on to the instance's.
    if (!errorHandler) throw error;
    return errorHandler.call(this, error, request, reply);
  };
}

/** What Fastify does when COMMIT fails behind its back: the answer was streamed, or written to the raw response. */
export function gateOf(reply: FastifyReply): AnswerGate {
  return {
    remember() {
      // Fastify adds cookies to the list that it has.
      const before = copyHeaders(reply.getHeaders());
      return () => {
        // All of them: a second Set-Cookie is added to the first.
        for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
        reply.headers(copyHeaders(before) as Record<string, string | string[]>);
      };
    },
    showsHeld: () => (reply.request as Marked)[STREAMED] !== true,
    isDeciding: () => (reply.request as Marked)[DECIDING] === true,
    fail(error) {
      if (reply.raw.headersSent)
        reply.log.error({ err: error }, 'COMMIT failed behind the head of its answer');
      else if (reply.sent) return false;
      else reply.send(error);
      return true;
    },
  };
}
