import { setTimeout as sleep } from 'node:timers/promises';
import type { Lender } from '../lend/lender.js';
import type { Probed } from './task.js';

/**
 * Asks the pool for all its connections at once, and each of them for an answer that takes no time: what is not granted
 * has leaked, and one that answers late was still at work for somebody else.
 */
export function probe(lender: Lender, max: number, withinMs: number): Promise<Probed[]> {
  const until = sleep(withinMs).then(() => null);
  return Promise.all(Array.from({ length: max }, () => probeOne(lender, until)));
}

async function probeOne(lender: Lender, until: Promise<null>): Promise<Probed> {
  const start = performance.now();
  const acquiring = lender.acquire();
  const lent = await Promise.race([acquiring, until]);
  if (!lent) {
    // It may still come, and must not stay away.
    acquiring.then(
      (late) => late.release(),
      () => {},
    );
    return { grantedAfter: null, answeredAfter: null };
  }
  const granted = performance.now();
  try {
    await lent.query('SELECT 1');
    return { grantedAfter: granted - start, answeredAfter: performance.now() - granted };
  } finally {
    // Together: a connection that came back at once would be lent to the next of these.
    await until;
    await lent.release();
  }
}
