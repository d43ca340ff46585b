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

function isStreamed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const isWeb = body instanceof Blob || body instanceof ReadableStream || body instanceof Response;
  return isWeb || typeof (body as { pipe?: unknown }).pipe === 'function';
}
