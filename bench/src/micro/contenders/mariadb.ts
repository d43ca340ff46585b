import { createPool, type PoolConfig, type PoolConnection } from 'mariadb';
import type { MakePool, PromisePool } from '../contender.js';

/** @param best what its documentation offers for less work on release */
function makeMariadb(best: Pick<PoolConfig, 'noControlAfterUse'>): MakePool {
  return ({ max, connection }) => {
    const pool = createPool({ ...connection, connectionLimit: max, ...best });
    const made: PromisePool<PoolConnection> = {
      style: 'promise',
      acquire: () => pool.getConnection(),
      // Nobody waits for the promise of a release, as in the examples of its documentation.
      release: (lent) => void lent.release(),
    };
    return made as PromisePool;
  };
}

export const makeMariadbDefault = makeMariadb({});
export const makeMariadbBest = makeMariadb({ noControlAfterUse: true });
