import { Scope } from './scope.js';

/**
 * For an adapter that learns of the answer before it is sent, and can still have the framework answer with an error: the
 * transaction of the request (option `transaction`) is committed if it has `succeeded`, else rolled back. What an
 * adapter does not decide here is decided when the raw response ends.
 *
 * @param scope what stands at the request; anything else is ignored
 * @returns null if there is nothing to wait for; else a promise that rejects when COMMIT fails: the answer must be an error
 */
export function decideTransaction(scope: unknown, succeeded: boolean): Promise<void> | null {
  const transaction = scope instanceof Scope ? Scope.transactionOf(scope) : null;
  if (!transaction) return null;
  const decided = transaction.decide(succeeded);
  // Nor is there when the error is answered that a failed COMMIT was.
  return succeeded ? decided : null;
}
