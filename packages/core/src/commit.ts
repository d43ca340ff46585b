import { HandbackError } from './errors.js';
import { commitUnanswered, rolledBack } from './refusals.js';
import { type DriverError, wasNeverSent } from './statement.js';

/**
 * Sends COMMIT with `send`.
 *
 * @throws {HandbackError} OUTCOME_UNKNOWN when the connection was lost before the answer: the transaction may
 * have been committed. TRANSACTION_ROLLED_BACK when it certainly was not. The server's own refusal unchanged.
 */
export async function sendCommit(send: (sql: string) => Promise<unknown>): Promise<void> {
  try {
    await send('COMMIT');
  } catch (error) {
    if (!wasNeverSent(error as DriverError) && isLost(error as DriverError)) {
      throw commitUnanswered(error);
    }
    if (isUnsent(error as DriverError)) throw rolledBack(error);
    throw error;
  }
}

function isUnsent(error: DriverError): boolean {
  return wasNeverSent(error) || (error instanceof HandbackError && error.code === 'LEASE_RELEASED');
}

/** Whether the connection failed under the statement, so that nobody knows if the server got it. */
function isLost(error: DriverError | HandbackError): boolean {
  if (error instanceof HandbackError) return LOST_CODES.has(error.code);
  return error.fatal === true;
}

/** What cuts a statement off after it was sent. */
const LOST_CODES: ReadonlySet<string> = new Set(['QUERY_CANCELLED', 'QUERY_TIMEOUT', 'POOL_CLOSED']);
