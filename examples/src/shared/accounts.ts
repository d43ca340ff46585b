import type { Scope, Transaction } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { Problem } from './problems.js';

export interface Transfer {
  from: number;
  to: number;
  amount: number;
}

/** Moves money, or changes nothing: what is thrown inside `transaction(fn)` rolls it back. */
export async function transfer(db: Scope, body: unknown) {
  const order = readTransfer(body);
  return db.transaction((tx) => move(tx, order));
}

/** In a transaction of the caller's. */
export async function move(tx: Transaction, { from, to, amount }: Transfer) {
  const balances = await lock(tx, [from, to]);
  const before = { from: balances.get(from) ?? 0, to: balances.get(to) ?? 0 };
  if (before.from < amount) throw new Problem(409, `Account ${from} has insufficient funds.`);
  await tx.query('UPDATE accounts SET balance = balance - ? WHERE id = ?', [amount, from]);
  await tx.query('UPDATE accounts SET balance = balance + ? WHERE id = ?', [amount, to]);
  return {
    amount,
    from: { id: from, balance: before.from - amount },
    to: { id: to, balance: before.to + amount },
  };
}

/** The balances of accounts that nobody else can change now. Locked in one order, so that no two transfers deadlock. */
async function lock(tx: Transaction, ids: number[]): Promise<Map<number, number>> {
  const balances = new Map<number, number>();
  for (const id of ids.toSorted((a, b) => a - b)) {
    const [rows] = await tx.query<RowDataPacket[]>('SELECT balance FROM accounts WHERE id = ? FOR UPDATE', [
      id,
    ]);
    if (!rows[0]) throw new Problem(404, `There is no account ${id}.`);
    balances.set(id, rows[0].balance);
  }
  return balances;
}

export function readTransfer(body: unknown): Transfer {
  const { from, to, amount } = (body ?? {}) as Record<string, unknown>;
  if (!isPositiveInteger(from) || !isPositiveInteger(to) || !isPositiveInteger(amount))
    throw new Problem(
      400,
      'Send JSON: {"from": 1, "to": 2, "amount": 10}, all of them positive whole numbers.',
    );
  if (from === to) throw new Problem(400, 'from and to are the same account.');
  return { from, to, amount };
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export async function accountsTotal(db: Scope) {
  const [rows] = await db.query<RowDataPacket[]>(
    'SELECT COUNT(*) AS accounts, CAST(SUM(balance) AS SIGNED) AS total FROM accounts',
  );
  return rows[0];
}
