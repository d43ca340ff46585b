import { duration, plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import { describeId, firstOf } from '../names.js';
import type { MetadataWait, Picture, RowLockWait, Transaction } from '../picture.js';

/** Transactions that stay open hold locks, and old versions of rows. */
export function longTransactions(picture: Picture): Finding[] {
  const {
    transactions,
    expectations: [expected],
    ownId,
  } = picture;
  if (transactions === null) return [];
  const others = transactions.filter(({ threadId }) => threadId !== ownId && threadId !== 0);
  const long = others
    .filter(({ ageMs }) => ageMs >= expected.transactionAfterMs)
    .toSorted((a, b) => b.ageMs - a.ageMs);
  if (long.length === 0)
    return [
      {
        id: 'long-transactions',
        severity: 'ok',
        title: `no transaction is open for ${duration(expected.transactionAfterMs)}`,
        evidence: [`open: ${others.length}`],
      },
    ];
  return [
    {
      id: 'long-transactions',
      severity: 'warning',
      title: `${plural(long.length, 'transaction')} open for ${duration(expected.transactionAfterMs)} or longer`,
      evidence: firstOf(long, (transaction) => describeTransaction(transaction, picture)),
      change:
        'commit or roll back before answering, calling others or waiting; `transaction(fn)` does it on every path. KILL <id> ends one now, and rolls it back',
    },
  ];
}

function describeTransaction(transaction: Transaction, picture: Picture): string {
  const { threadId, ageMs, rowsModified, rowsLocked } = transaction;
  return `open for ${duration(ageMs)}, ${rowsModified} rows changed, ${rowsLocked} locked: ${describeId(threadId, picture)}`;
}

/** Who waits for the locks of whose transaction. */
export function rowLockWaits(picture: Picture): Finding[] {
  const { rowLockWaits: waits } = picture;
  if (waits === null) return [];
  if (waits.length === 0)
    return [{ id: 'row-lock-waits', severity: 'ok', title: "nobody waits for a row's lock", evidence: [] }];
  const asleep = [...rootsOf(waits)].filter((id) =>
    picture.threads.some((t) => t.id === id && t.command === 'Sleep'),
  );
  return [
    {
      id: 'row-lock-waits',
      severity: asleep.length > 0 ? 'critical' : 'warning',
      title: `${plural(new Set(waits.map(({ waiter }) => waiter)).size, 'session')} waiting for a row's lock`,
      evidence: describeHolders(waits, picture),
      change:
        asleep.length > 0
          ? `a holder sleeps in its transaction (${asleep.map((id) => `#${id}`).join(', ')}): find out who began it, and KILL ${asleep[0]} if it is nobody's any more`
          : 'shorter transactions, which lock rows in one order',
    },
  ];
}

/** Holders that wait for nobody themselves. */
function rootsOf(waits: readonly RowLockWait[]): Set<number> {
  const waiters = new Set(waits.map(({ waiter }) => waiter));
  return new Set(waits.map(({ holder }) => holder).filter((id) => !waiters.has(id)));
}

const SHOWN_WAITERS = 3;

/** The one that most wait for first. */
function describeHolders(waits: readonly RowLockWait[], picture: Picture): string[] {
  const holders = [...groupedByHolder(waits)].toSorted(([, a], [, b]) => b.length - a.length);
  const lines = holders
    .slice(0, SHOWN_WAITERS)
    .flatMap(([holder, ofHolder]) => [
      `holder: ${describeId(holder, picture)}`,
      ...ofHolder
        .slice(0, SHOWN_WAITERS)
        .map(
          ({ waiter, waitedMs }) =>
            `  waits for it, ${duration(waitedMs)} so far: ${describeId(waiter, picture)}`,
        ),
      ...(ofHolder.length > SHOWN_WAITERS ? [`  … and ${ofHolder.length - SHOWN_WAITERS} more`] : []),
    ]);
  const more = holders.length - SHOWN_WAITERS;
  return more > 0 ? [...lines, `… and ${plural(more, 'more holder')}`] : lines;
}

function groupedByHolder(waits: readonly RowLockWait[]): Map<number, RowLockWait[]> {
  const groups = new Map<number, RowLockWait[]>();
  for (const wait of waits) {
    const group = groups.get(wait.holder) ?? [];
    groups.set(wait.holder, group);
    group.push(wait);
  }
  return groups;
}

/** One forgotten transaction, one ALTER TABLE, and nobody reads the table any more. */
export function metadataLockWaits(picture: Picture): Finding[] {
  const { metadataWaits: waits } = picture;
  if (waits.length === 0)
    return [
      { id: 'metadata-lock-waits', severity: 'ok', title: 'nobody waits for a metadata lock', evidence: [] },
    ];
  const holders = [...new Set(waits.flatMap((wait) => wait.holders))];
  const certain = waits.some((wait) => wait.certain);
  const holding = certain ? 'holder' : 'may be the holder';
  const none =
    picture.transactions === null
      ? 'the holders are not seen by this account'
      : 'no open transaction is seen: LOCK TABLES, FLUSH TABLES WITH READ LOCK or a running statement';
  return [
    {
      id: 'metadata-lock-waits',
      severity: 'critical',
      title: `${plural(waits.length, 'session')} waiting for a metadata lock: everybody who comes to the table waits too`,
      evidence: [
        ...(holders.length === 0
          ? [none]
          : firstOf(holders, (id) => `${holding}: ${describeId(id, picture)}`)),
        ...firstOf(
          waits.toSorted((a, b) => b.waitedMs - a.waitedMs),
          (wait) => describeWait(wait, picture),
        ),
      ],
      change: `${holders.length > 0 ? `end the holder's transaction (KILL ${holders[0]}${certain ? '' : ', if it is the one'}), or ` : ''}cancel the DDL; run DDL with a short lock_wait_timeout`,
    },
  ];
}

function describeWait({ object, waiter, waitedMs }: MetadataWait, picture: Picture): string {
  return `waits${object === undefined ? '' : ` for ${object}`}, ${duration(waitedMs)} so far: ${describeId(waiter, picture)}`;
}
