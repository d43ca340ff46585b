import type { Scope } from '@handback/core';
import type { ResultSetHeader } from 'mysql2';
import { move, readTransfer, type Transfer } from '../shared/accounts.js';

/** A transfer as the producer asks for it. The id is its own, not the queue's: it names the order wherever it goes. */
export interface Order extends Transfer {
  id: string;
}

/**
 * A queue delivers at least once: when a worker dies after COMMIT and before its word to Redis, the job comes again. The
 * order is written down in the transaction that carries it out, so that the second time finds it there.
 */
export async function transferOnce(db: Scope, order: Order): Promise<'done' | 'was done before'> {
  const { from, to, amount } = readTransfer(order);
  return db.transaction(async (tx) => {
    const [{ affectedRows }] = await tx.query<ResultSetHeader>(
      'INSERT IGNORE INTO transfers (id, from_id, to_id, amount) VALUES (?, ?, ?, ?)',
      [order.id, from, to, amount],
    );
    if (affectedRows === 0) return 'was done before';
    await move(tx, { from, to, amount });
    return 'done';
  });
}
