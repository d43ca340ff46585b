import { systemClock } from './clock.js';
import { ConnectionPool } from './connection-pool.js';
import { mysql2Driver } from './drivers/mysql2.js';
import type { PoolOptions } from './options.js';
import { Pool } from './pool.js';
import { readPoolOptions } from './read-options.js';

/**
 * A pool of MySQL or MariaDB connections. Nothing is opened before the first query, unless `minIdle` says so.
 *
 * @throws {HandbackError} INVALID_OPTION, naming the option
 */
export function createPool(options: PoolOptions | string): ConnectionPool {
  return new ConnectionPool(new Pool(readPoolOptions(options), mysql2Driver, systemClock));
}
