import { CONNECTION_OPTIONS } from './connection-source.js';

/** What options of other pools are called here; for whoever comes from there (docs/migrating.md). */
export const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  // mysql2
  ...Object.fromEntries([...CONNECTION_OPTIONS].map((name) => [name, `in 'connection': { ${name}: … }`])),
  connectionLimit: "'max'",
  queueLimit: "'maxPending'",
  waitForConnections: "'acquireTimeoutMs': 0 for false",
  idleTimeout: "'idleTimeoutMs'",
  connectTimeout: "'connectTimeoutMs'",
  acquireTimeout: "'acquireTimeoutMs'",
  resetOnRelease: "'reset': 'always'",
  // DBUtils
  mincached: "'minIdle'",
  maxcached: "'maxIdle'",
  maxconnections: "'max'",
  maxshared: '`pool.query`, which shares connections by the statement',
  blocking: "'acquireTimeoutMs': Infinity for True, 0 for False",
  maxusage: "'maxUses'",
  setsession: "'onConnect'",
  failures: 'fixed: a statement is sent again only if it was certainly not sent',
  ping: "'validate': 'always' for 1, 'never' for 0; 2 and 4 have no equivalent, since a connection may be lost right after a ping as well, and a statement that was never sent goes to another one by itself",
  // SQLAlchemy
  pool_size: "'maxIdle'",
  max_overflow: "'max', which is pool_size + max_overflow",
  pool_timeout: "'acquireTimeoutMs'",
  pool_recycle: "'maxLifetimeMs'",
  pool_pre_ping: "'validate': 'always'",
  pool_use_lifo: "'reuse'",
  pool_reset_on_return: "'reset'",
  // Django
  CONN_MAX_AGE: "'maxLifetimeMs', or 'maxIdle': 0 for 0",
  CONN_HEALTH_CHECKS: "'validate': 'always'",
  ATOMIC_REQUESTS: "'transaction': true, an option of the plugin and of routes",
  // Ours, in the wrong place
  closeable: 'an option of createPersistent(): a pool is always closed by close()',
  transaction: 'an option of the plugin and of routes: a pool knows no requests',
  readOnly: 'an option of the plugin and of routes: a pool knows no requests',
};
