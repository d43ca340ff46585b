import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientLeft } from './http.js';
import { Scope } from './scope.js';

/**
 * For an adapter that learns of the answer before it is sent, and can still have the framework answer with an error: the
 * transaction of the request (option `transaction`) is committed if it has `succeeded`, else rolled back. What an
 * adapter does not decide here is decided when the raw response ends.
 *
 * @param scope what stands at the request; anything else is ignored
 * @param succeeded a function is asked only if there is a transaction; what it throws is thrown
 * @returns null if there is nothing to wait for; else a promise that rejects when COMMIT fails: the answer must be an error
 */
export function decideTransaction(
  scope: unknown,
  succeeded: boolean | (() => boolean),
): Promise<void> | null {
  const transaction = scope instanceof Scope ? Scope.transactionOf(scope) : null;
  if (!transaction) return null;
  const hasSucceeded = typeof succeeded === 'function' ? succeeded() : succeeded;
  const decided = transaction.decide(hasSucceeded);
  // Nor is there when the error is answered that a failed COMMIT was.
  return hasSucceeded ? decided : null;
}

/**
 * The body is a stream that the framework sends and ends by itself. Should the client leave before, nobody ends it, and
 * nobody is at work on it: the request has failed.
 *
 * @param scope as above
 */
export function decideWithStream(scope: unknown, req: IncomingMessage, res: ServerResponse): void {
  if (!(scope instanceof Scope)) return;
  // A stream may send its statement, the first of the request, later than this.
  res.once('close', () => {
    if (clientLeft(req, res)) decideTransaction(scope, false);
  });
}
