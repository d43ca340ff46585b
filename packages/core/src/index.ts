export type { AnswerGate } from './answer-gate.js';
export { decideTransaction, decideWithStream } from './answering.js';
export type {
  AcquireTrace,
  OpenTrace,
  QueryTrace,
  ResetTrace,
  TraceMessage,
  TraceMessages,
  TransactionTrace,
} from './channels.js';
export type { AcquireOptions, CloseOptions, ConnectionPool, OwnerOptions } from './connection-pool.js';
export { createPool } from './create.js';
export { currentDb } from './current-db.js';
export type { ServerFacts } from './driver.js';
export {
  type DoubleAcquireReport,
  type ErrorCode,
  HandbackError,
  type HolderReport,
  type PoolReport,
} from './errors.js';
export type {
  HolderFacts,
  LeaseFacts,
  LeaseOnConnection,
  PoolEventMap,
  PoolEvents,
  WarningCode,
} from './events.js';
export { isAnswered } from './held-response.js';
export { clientLeft } from './http.js';
export type { JobOptions } from './job.js';
export type { LeaseHandle as Lease } from './lease-handle.js';
export type { ScopeState } from './lifecycle.js';
export { startsAsEventStream } from './long-lived.js';
export { maskValues } from './mask.js';
export { Installer, refuseRequest, routeMarker, routeSettingOf } from './middleware.js';
export type { Rule, Rules } from './option-rules.js';
export type {
  NewConnection,
  OnConnect,
  PoolOptions,
  RequestOptions,
  RouteOptions,
  ShownOptions,
} from './options.js';
export { createPersistent, type Persistent, type PersistentOptions } from './persistent.js';
export {
  alreadyRegistered,
  checkRouteSetting,
  Plugin,
  type PluginOptions,
  type RequestView,
  type RouteSetting,
} from './plugin.js';
export type { LoggedStatement } from './query-log.js';
export { checkRouteOptions } from './read-options.js';
export type { ConnectionReport } from './report.js';
export type { RequestTransactionOptions } from './request-options.js';
export { copyHeaders } from './response-head.js';
export type { StreamOptions } from './row-stream.js';
export type { Scope } from './scope.js';
export type { StatementOptions } from './statement.js';
export type { EvictReason, State } from './states.js';
export type { PoolStats } from './stats.js';
export type { Transaction } from './transaction.js';
export type { Isolation, TransactionOptions } from './transaction-options.js';
