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

/** Where it is tested on those what Node does to requests, sockets and processes, and how packages are loaded. */
export const essentials = [
  'test/contract/contract.test.ts',
  'test/core',
  ...['async-context', 'async-context-retention', 'current-db', 'ended-sockets'].map(inServer),
  ...['fastify-transactions', 'handler-timeout', 'held-response', 'http2'].map(inServer),
  ...['http2-transactions', 'node-http', 'process-life', 'shutdown', 'sigterm'].map(inServer),
  'test/packaging/commonjs.test.ts',
];

/** Parts of the contract that are between driver and server: half of its time, and the same on every Node. */
const betweenDriverAndServer = [
  'session state',
  'stale connections',
  'unreachable databases',
  'wrong options',
];

/** For mocha. */
export const essentialArguments = [
  ...['--invert', '--grep', `^contract: \\S+( \\d+)? (${betweenDriverAndServer.join('|')})`],
  ...essentials,
];
