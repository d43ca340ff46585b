import { type AnswerGate, decideTransaction, decideWithStream } from '@handback/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';

const FAILED = Symbol('handback.failed');
type Marked = FastifyRequest & { [FAILED]?: true };

/** The request has thrown, whatever status an error handler answers with. */
function mark(request: FastifyRequest): void {
  (request as Marked)[FAILED] = true;
}

/** What is written to the raw response piece by piece is decided there, with its last piece. */
function isStreamed(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && !Buffer.isBuffer(payload);
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
    const succeeded = reply.statusCode < 400 && !(request as Marked)[FAILED];
    if (succeeded && isStreamed(payload)) {
      decideWithStream(scopeOf(request), request.raw, reply.raw);
      return done(null, payload);
    }
    const decided = decideTransaction(scopeOf(request), succeeded);
    if (decided) decided.then(() => done(null, payload), done);
    else done(null, payload);
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
      const before = reply.getHeaders();
      return () => {
        for (const name of Object.keys(reply.getHeaders())) if (!(name in before)) reply.removeHeader(name);
        reply.headers(before);
      };
    },
    fail(error) {
      if (reply.raw.headersSent)
        reply.log.error({ err: error }, 'COMMIT failed behind the head of its answer');
      else if (reply.sent) return false;
      else reply.send(error);
      return true;
    },
  };
}
