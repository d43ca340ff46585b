import type { Statements } from './contender.js';
import type { Route, Visit } from './route.js';

// A transfer is one transaction with its line in the ledger. That it is acknowledged means that it was committed.

interface Order {
  op: string;
  from: number;
  to: number;
  amount: number;
}

const orderOf = ({ body }: Visit) => body as unknown as Order;

async function move(on: Statements, { op, from, to, amount }: Order): Promise<void> {
  await on.query('UPDATE accounts SET balance = balance - ? WHERE id = ?', [amount, from]);
  await on.query('INSERT INTO ledger (op) VALUES (?)', [op]);
  await on.query('UPDATE accounts SET balance = balance + ? WHERE id = ?', [amount, to]);
}

async function half(on: Statements, { op, from, amount }: Order): Promise<never> {
  await on.query('UPDATE accounts SET balance = balance - ? WHERE id = ?', [amount, from]);
  await on.query('INSERT INTO ledger (op) VALUES (?)', [op]);
  throw Object.assign(new Error('The handler throws in the middle of a transfer.'), { code: 'THROWN' });
}

type Work = typeof move | typeof half;

const byFunction = (work: Work) => async (visit: Visit) => {
  const { visitor, session, reply } = visit;
  await visitor.arrive(false);
  await session.transaction((tx) => work(tx, orderOf(visit)));
  visitor.leave();
  reply(200, {});
};

/** Where it throws it leaves the transaction open, as many handlers do. */
const byHand = (work: Work) => async (visit: Visit) => {
  const { visitor, session, reply } = visit;
  await visitor.arrive(false);
  await session.begin();
  await work(session, orderOf(visit));
  await session.commit();
  visitor.leave();
  reply(200, {});
};

/** The plugin's own transaction around the request, where the contender has one. */
const byRoute = (work: Work) => (visit: Visit) => {
  if (!visit.inTransaction) return byFunction(work)(visit);
  return inWholeRequest(work, visit);
};

async function inWholeRequest(work: Work, visit: Visit): Promise<void> {
  const { visitor, session, reply } = visit;
  await visitor.arrive(true);
  await work(session, orderOf(visit));
  visitor.leave();
  reply(200, {});
}

const kinds = { function: byFunction, hand: byHand, route: byRoute };

export const transfers: readonly Route[] = Object.entries(kinds).flatMap(([name, kind]) => {
  const needs = name === 'route' ? { transaction: true as const } : {};
  return [
    { ...needs, method: 'POST', path: `/transfer/${name}`, handle: kind(move) },
    { ...needs, method: 'POST', path: `/transfer-that-throws/${name}`, handle: kind(half) },
  ] satisfies Route[];
});
