export {
  Afterwards,
  type App,
  type CaseSetup,
  clientGone,
  codeOf,
  connectionId,
  json,
  nextConnection,
  nothingLeaked,
  serve,
  serveUnchecked,
} from './app.js';
export { badPoolOptions } from './cases/bad-options.js';
export { tenThousandOnOneSocket } from './cases/keep-alive.js';
export { dropSessionObjects } from './cases/session-objects.js';
export { applies, type ContractOptions, contract } from './contract.js';
export { dbOn } from './db-on.js';
export type {
  Case,
  CaseHarness,
  Context,
  Db,
  Handler,
  Harness,
  Options,
  PoolView,
  RawConnection,
  Route,
  Row,
  RunningApp,
  Setup,
  Stats,
  Strategy,
} from './harness.js';
export type { Runner } from './runner.js';
export { suite } from './suite.js';
