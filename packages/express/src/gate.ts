import type { AnswerGate } from '@handback/core';
import type { Request } from 'express';

/** A failed COMMIT goes where the errors of the handler at work go; Express's own `res.sendFile()` does the same. */
export function gateOf(request: Request): AnswerGate {
  return {
    fail(error) {
      // Read before it is called: where nothing else handles the error, Express takes it back on the way.
      const { next } = request;
      next?.(error);
      return next !== undefined;
    },
  };
}
