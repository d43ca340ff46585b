import type { Finding } from '../../findings.js';
import type { Expectation } from '../expectation.js';
import { firstOf } from '../names.js';
import type { Picture } from '../picture.js';
import { applicationPools } from './application.js';
import { whatIsBetween } from './between.js';
import { connectionBudget } from './budget.js';
import {
  aborted,
  accountLimit,
  connectionRate,
  connectionsHighWater,
  connectionsNow,
  logins,
} from './connections.js';
import {
  idleTimeout,
  idleTransactionTimeout,
  lockTimeouts,
  networkTimeouts,
  type OnePool,
  statementTimeout,
} from './limits.js';
import { longTransactions, metadataLockWaits, rowLockWaits } from './locks.js';
import { sleepers } from './sleepers.js';
import { clientSockets } from './sockets.js';

type Check = (picture: Picture) => Finding[];
type OfOnePool = (of: OnePool) => Finding[];

/** Of the server's sessions as our pools' clients see them: meaningless where a proxy shares them. */
const OF_OUR_CONNECTIONS: readonly Check[] = [
  connectionBudget,
  accountLimit,
  ofEachPool(idleTimeout),
  sleepers,
  connectionRate,
];

const ALWAYS: readonly Check[] = [
  whatIsBetween,
  connectionsNow,
  connectionsHighWater,
  aborted,
  logins,
  ...[statementTimeout, lockTimeouts, idleTransactionTimeout, networkTimeouts].map(ofEachPool),
  longTransactions,
  rowLockWaits,
  metadataLockWaits,
  clientSockets,
  applicationPools,
];

/** Pools with the same timeouts are judged together, and named where there are others. */
function ofEachPool(check: OfOnePool): Check {
  return ({ server, expectations, pools }) => {
    const groups = new Map<string, { expected: Expectation; names: string[] }>();
    for (const [at, expected] of expectations.entries()) {
      const { max: _, ...timeouts } = expected;
      const key = JSON.stringify({ ...timeouts, assumed: [...expected.assumed] });
      const group = groups.get(key) ?? { expected, names: [] };
      groups.set(key, group);
      group.names.push(pools[at]?.name ?? '');
    }
    return [...groups.values()].flatMap(({ expected, names }) =>
      check({ server, expected }).map((finding) =>
        groups.size === 1
          ? finding
          : { ...finding, title: `${firstOf(names, String).join(', ')}: ${finding.title}` },
      ),
    );
  };
}

/** Pure: all that they know is in the picture. */
export function findingsOf(picture: Picture): Finding[] {
  const checks = picture.between.pooling === null ? [...OF_OUR_CONNECTIONS, ...ALWAYS] : ALWAYS;
  return checks.flatMap((check) => check(picture));
}
