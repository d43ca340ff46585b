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
    // `next()` behind `res.json()`: Express's final handler keeps still when it sees that an answer has left.
    ignores: (body) => isNotFound(request, body),
  };
}

/** What Express answers when no route has. An error of that status is shown in other words. */
function isNotFound({ method, res }: Request, body: unknown): boolean {
  if (res?.statusCode !== 404 || res.get('Content-Security-Policy') !== "default-src 'none'") return false;
  return method === 'HEAD' || String(body).includes(`<pre>Cannot ${method} `);
}
