// The names of OpenTelemetry's semantic conventions for databases. Those of them that are still experimental are no part of that
// package's stable exports, and it asks libraries to copy what they use; a test compares them with it.

export const METRICS = {
  count: 'db.client.connection.count',
  idleMax: 'db.client.connection.idle.max',
  idleMin: 'db.client.connection.idle.min',
  max: 'db.client.connection.max',
  /** What newer versions of the conventions call `max`. */
  limit: 'db.client.connection.limit',
  pending: 'db.client.connection.pending_requests',
  timeouts: 'db.client.connection.timeouts',
  createTime: 'db.client.connection.create_time',
  waitTime: 'db.client.connection.wait_time',
  useTime: 'db.client.connection.use_time',
} as const;

export const ATTRIBUTES = {
  pool: 'db.client.connection.pool.name',
  state: 'db.client.connection.state',
  system: 'db.system.name',
  namespace: 'db.namespace',
  queryText: 'db.query.text',
  operation: 'db.operation.name',
  statusCode: 'db.response.status_code',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
} as const;

/** Ours: the conventions have none. */
export const OWN = {
  lease: 'handback.lease.id',
  connection: 'handback.connection.id',
  route: 'handback.route',
  requestId: 'handback.request.id',
  waitedMs: 'handback.acquire.waited_ms',
  outcome: 'handback.outcome',
  attempts: 'handback.transaction.attempts',
  isolation: 'handback.transaction.isolation',
  readOnly: 'handback.transaction.read_only',
  resetHow: 'handback.reset.how',
  resetReason: 'handback.reset.reason',
} as const;
