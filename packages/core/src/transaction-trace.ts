import { type TransactionTrace, traceBegins, traceEnds } from './channels.js';
import type { Entry } from './entry.js';
import type { TransactionOptions } from './transaction-options.js';

export function transactionMessage(
  entry: Entry,
  pool: string,
  { isolation, readOnly = false }: TransactionOptions,
): TransactionTrace {
  const holder = entry.facts;
  return { pool, holder, connection: entry.id, isolation, readOnly, attempts: 0 };
}

export function transactionEnds(
  message: TransactionTrace,
  outcome: NonNullable<TransactionTrace['outcome']>,
  error?: unknown,
): void {
  const { code } = (error ?? {}) as { code?: unknown };
  message.outcome = code === 'OUTCOME_UNKNOWN' ? 'unknown' : outcome;
  traceEnds('transaction', message, error);
}

/** The same work, of which whoever traces transactions is told: what it runs is run where they say. */
export async function traced<T>(message: TransactionTrace, run: () => Promise<T>): Promise<T> {
  try {
    const result = await traceBegins('transaction', message, run);
    transactionEnds(message, 'committed');
    return result;
  } catch (error) {
    transactionEnds(message, 'rolled back', error ?? new Error('thrown'));
    throw error;
  }
}
