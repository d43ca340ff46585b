import type { AnswerGate } from '@handback/core';
import type { ParameterizedContext } from 'koa';

/** A failed COMMIT of an answer that was streamed, or sent behind Koa's back. */
export function gateOf(ctx: ParameterizedContext): AnswerGate {
  return {
    fail(error) {
      ctx.onerror(error);
      return true;
    },
  };
}

/** The answer is ready; one that is streamed, or sent by the handler itself, is decided when it ends. */
export function isWhole(ctx: ParameterizedContext): boolean {
  return ctx.respond !== false && !isStreamed(ctx.body);
}

/** @throws what Koa would throw behind COMMIT, of a body that can't be written as JSON */
export function hasSucceeded({ status, body }: ParameterizedContext): boolean {
  if (status >= 400) return false;
  if (typeof body === 'object' && !Buffer.isBuffer(body)) JSON.stringify(body);
  return true;
}

function isStreamed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const isWeb = body instanceof Blob || body instanceof ReadableStream || body instanceof Response;
  return isWeb || typeof (body as { pipe?: unknown }).pipe === 'function';
}
