import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerGate } from '@handback/core';

type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

/** A failed COMMIT is answered, and told, like a handler that failed. */
export function gateOf(req: IncomingMessage, res: ServerResponse, fail: Fail): AnswerGate {
  return {
    fail(error) {
      fail(req, res, error);
      return true;
    },
  };
}
