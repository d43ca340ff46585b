import type { Holder } from './entry.js';
import { lineage, type Owner } from './owner.js';

/**
 * Given that every connection is out: can any of them come back before another one does? A holder that waits itself
 * gives nothing back; one that is over, or holds for the length of one statement, does.
 *
 * @returns the last waiter that holds a connection as well, if none can: without it, others can go on. Else null.
 */
export function findDeadlock<W extends { readonly holder: Holder }>(
  held: readonly Holder[],
  waiters: Iterable<W>,
): W | null {
  const holding = new Set(held.map(({ owner }) => owner));
  const waiting = new Set<Owner | undefined>();
  let last: W | null = null;
  for (const waiter of waiters) {
    const owners = lineage(waiter.holder.owner);
    for (const owner of owners) waiting.add(owner);
    if (owners.some((owner) => holding.has(owner))) last = waiter;
  }
  return held.every((holder) => givesNothingBack(holder) && waiting.has(holder.owner)) ? last : null;
}

function givesNothingBack({ owner, comesBack }: Holder): boolean {
  return owner !== undefined && comesBack !== true;
}
