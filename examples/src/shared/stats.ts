import type { ConnectionPool } from '@handback/core';

/** What `handback top` and `handback doctor` ask for (`--app`). For operators: it names routes and statements. */
export function statsOf(pool: ConnectionPool) {
  return {
    name: pool.name,
    pid: process.pid,
    stats: pool.stats(),
    holders: pool.holders(),
    connections: pool.connections(),
    options: pool.options,
  };
}
