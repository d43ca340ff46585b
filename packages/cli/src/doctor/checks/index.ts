import type { Finding } from '../../findings.js';
import type { Picture } from '../picture.js';
import { applicationPools } from './application.js';
import { whatIsBetween } from './between.js';
import {
  aborted,
  accountLimit,
  connectionRate,
  connectionsHighWater,
  connectionsNow,
  logins,
} from './connections.js';
import {
  connectionBudget,
  idleTimeout,
  idleTransactionTimeout,
  lockTimeouts,
  networkTimeouts,
  statementTimeout,
} from './limits.js';
import { longTransactions, metadataLockWaits, rowLockWaits } from './locks.js';
import { sleepers } from './sleepers.js';
import { clientSockets } from './sockets.js';

type Check = (picture: Picture) => Finding[];

/** Of the server's sessions as our pools' clients see them: meaningless where a proxy shares them. */
const OF_OUR_CONNECTIONS: readonly Check[] = [
  connectionBudget,
  accountLimit,
  idleTimeout,
  sleepers,
  connectionRate,
];

const ALWAYS: readonly Check[] = [
  whatIsBetween,
  connectionsNow,
  connectionsHighWater,
  aborted,
  logins,
  statementTimeout,
  lockTimeouts,
  idleTransactionTimeout,
  networkTimeouts,
  longTransactions,
  rowLockWaits,
  metadataLockWaits,
  clientSockets,
  applicationPools,
];

/** Pure: all that they know is in the picture. */
export function findingsOf(picture: Picture): Finding[] {
  const checks = picture.between.pooling === null ? [...OF_OUR_CONNECTIONS, ...ALWAYS] : ALWAYS;
  return checks.flatMap((check) => check(picture));
}
