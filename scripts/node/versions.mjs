/** The versions of Node that continuous integration tests on besides the one that runs it: the last of each line. */
export const versions = ['20.20.2', '22.23.3', '24.21.0'];

/** Those of another line than the one that runs this. @param {string} [running] */
export function otherVersions(running = process.versions.node) {
  return versions.filter((version) => majorOf(version) !== majorOf(running));
}

/** @param {string} version */
function majorOf(version) {
  return version.split('.')[0];
}

/** @param {string} name */
function inServer(name) {
  return `test/server/${name}.test.ts`;
}

/** @param {string} name */
function inCore(name) {
  return `test/core/${name}.test.ts`;
}

/**
 * Where it is tested on those what Node does to requests, sockets, streams, timers, stacks and processes, and how packages
 * are loaded. What a pool decides, on a clock of the tests' own, it decides there as here.
 */
export const essentials = [
  'test/contract/contract.test.ts',
  ...[
    'abort-signal',
    'blocked-loop',
    'cancelled-waiter',
    'channel-watch',
    'channels',
    'client-gone',
    'client-signal',
  ].map(inCore),
  ...['closing', 'current-db', 'double-acquire', 'error-catalogue', 'idle-hand-back', 'jobs'].map(inCore),
  ...['late-reports', 'leaks', 'options', 'query-log', 'reports', 'stale-lease'].map(inCore),
  ...['statements', 'streams', 'warnings'].map(inCore),
  ...['async-context', 'async-context-retention', 'current-db', 'ended-sockets'].map(inServer),
  ...['fastify-transactions', 'handler-timeout', 'held-response', 'http2'].map(inServer),
  ...['http2-transactions', 'node-http', 'process-life', 'shutdown', 'sigterm'].map(inServer),
  ...['opentelemetry', 'prometheus', 'request-facts'].map((name) => `test/observability/${name}.test.ts`),
  'test/packaging/commonjs.test.ts',
];

/** Parts of the contract that are between pool, driver and server: half of its time, and the same on every Node. */
const betweenPoolAndServer = [
  'clean costs nothing',
  'connections lost in a request',
  'exhaustion',
  'session state',
  'stale connections',
  'transactions open at the end',
  'unreachable databases',
  'wrong options',
];

/** Ten times as long as what shows the same. */
const long = '10000 requests on one';

/** For mocha. */
export const essentialArguments = [
  '--invert',
  '--grep',
  `^contract: \\S+( \\d+)? (${betweenPoolAndServer.join('|')})|${long}`,
  ...essentials,
];
