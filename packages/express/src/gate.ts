import type { AnswerGate } from '@handback/core';
import type { Request } from 'express';

/** A failed COMMIT goes where the errors of the handler at work go; Express's own `res.sendFile()` does the same. */
export function gateOf(request: Request): AnswerGate {
  return {
    fail(error) {
      request.next?.(error);
      return request.next !== undefined;
    },
  };
}
