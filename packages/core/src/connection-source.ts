import type { ConnectionOptions } from 'mysql2';
import { HandbackError } from './errors.js';
import { invalid, typeOf } from './option-rules.js';
import type { PoolOptions } from './options.js';
import { filesAreOff } from './refusals.js';

/** Where a pool takes its connection options from; asked once for each open. */
export interface ConnectionSource {
  /** Known before the first open: what formatting needs (`timezone`, `namedPlaceholders`, …). null = a function gives them. */
  readonly known: ConnectionOptions | null;
  resolve(): ConnectionOptions | Promise<ConnectionOptions>;
}

/** Options of mysql2's own pool, which would be ignored on a connection; the reader meant ours. */
const POOL_OPTION_HINTS: Readonly<Record<string, string>> = {
  connectionLimit: 'max',
  maxIdle: 'maxIdle',
  idleTimeout: 'idleTimeoutMs',
  queueLimit: 'maxPending',
  waitForConnections: 'acquireTimeoutMs: 0',
  connectTimeout: 'connectTimeoutMs',
};

/** What mysql2 3.24 knows of a connection. It ignores the rest, `sslmode=require` included: here it is refused. */
export const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(
  `authPlugins authSwitchHandler bigNumberStrings charset charsetNumber compress connectAttributes database dateStrings
  debug decimalNumbers disableEval enableCleartextPlugin enableKeepAlive flags host infileStreamFactory insecureAuth
  jsonStrings keepAliveInitialDelay localAddress maxPreparedStatements multipleStatements namedPlaceholders nestTables
  password password1 password2 password3 passwordSha1 port queryFormat rowsAsArray socketPath ssl stream
  stringifyObjects supportBigNumbers timezone trace typeCast uri user`.split(/\s+/),
);

/** Keeps the password out of `util.inspect` and JSON. */
class HiddenSource implements ConnectionSource {
  readonly #known: ConnectionOptions | null;
  readonly #resolve: ConnectionSource['resolve'];

  constructor(known: ConnectionOptions | null, resolve: ConnectionSource['resolve']) {
    this.#known = known;
    this.#resolve = resolve;
  }

  get known(): ConnectionOptions | null {
    return this.#known;
  }

  resolve(): ConnectionOptions | Promise<ConnectionOptions> {
    return this.#resolve();
  }
}

const URI_ALLOWED = "a string such as 'mysql://user:password@host:3306/schema'";

const NO_NAME =
  "Option 'uri' has something in its query string that is no option's name; characters such as ? # @ / in a user name or password must be percent-encoded.";

function checkUri(uri: unknown): string {
  if (typeof uri !== 'string') throw invalid('uri', URI_ALLOWED, uri);
  let parsed: URL;
  try {
    parsed = new URL(uri);
  } catch {
    // The cause would print the uri, password included.
    throw new HandbackError(
      'INVALID_OPTION',
      `Option 'uri' must be ${URI_ALLOWED}; got a string that is not a URL.`,
    );
  }
  if (parsed.protocol !== 'mysql:' && parsed.protocol !== 'mariadb:') {
    throw new HandbackError(
      'INVALID_OPTION',
      `Option 'uri' must be ${URI_ALLOWED}; got a string with the scheme '${parsed.protocol}'.`,
    );
  }
  for (const name of parsed.searchParams.keys()) {
    // A password with a bare `?` in it would be printed.
    if (!/^\w+$/.test(name)) throw new HandbackError('INVALID_OPTION', NO_NAME);
    checkKnown(name, `'${name}' (string) in the query string of 'uri'`);
  }
  return uri.replace(/^mariadb:/i, 'mysql:');
}

function checkConnection(connection: object): void {
  for (const [name, value] of Object.entries(connection)) {
    checkKnown(name, `'connection.${name}' (${typeOf(value)})`);
  }
  const { infileStreamFactory, flags = [] } = connection as ConnectionOptions;
  const asked = [flags]
    .flat()
    .join()
    .toUpperCase()
    .split(/[\s,]+/);
  if (infileStreamFactory !== undefined && !asked.some((flag) => /^\+?LOCAL_FILES$/.test(flag)))
    throw filesAreOff('connection.infileStreamFactory');
}

function checkKnown(name: string, where: string): void {
  if (CONNECTION_OPTIONS.has(name)) return;
  const hint = Object.hasOwn(POOL_OPTION_HINTS, name)
    ? `give the pool '${POOL_OPTION_HINTS[name]}' instead`
    : 'mysql2 does not know it';
  throw new HandbackError('INVALID_OPTION', `Option ${where} is not an option of a connection; ${hint}.`);
}

/** What a function returned is looked at each time. */
async function checked(
  source: () => ConnectionOptions | Promise<ConnectionOptions>,
): Promise<ConnectionOptions> {
  const connection = await source();
  if (typeof connection === 'object' && connection !== null) checkConnection(connection);
  return connection;
}

/** @throws {HandbackError} INVALID_OPTION */
export function resolveSource(
  uri: PoolOptions['uri'],
  connection: PoolOptions['connection'],
): ConnectionSource {
  if (uri === undefined && connection === undefined) {
    throw new HandbackError(
      'INVALID_OPTION',
      `Option 'uri' or 'connection' is required; got undefined. 'uri' is ${URI_ALLOWED}.`,
    );
  }
  if (connection === undefined) {
    const known = { uri: checkUri(uri) };
    return new HiddenSource(known, () => known);
  }
  if (typeof connection === 'function') {
    if (uri !== undefined) throw invalid('uri', "absent when 'connection' is a function", uri);
    return new HiddenSource(null, () => checked(connection));
  }
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    throw invalid(
      'connection',
      "an object of mysql2's connection options, or a function that returns one",
      connection,
    );
  }
  checkConnection(connection);
  const base = uri === undefined ? connection : { ...connection, uri: checkUri(uri) };
  return new HiddenSource(base, () => base);
}

/** The default schema; undefined = there is none, or it is not known before a connection is opened. */
export function databaseOf(known: ConnectionOptions | null): string | undefined {
  const { database, uri } = known ?? {};
  return database ?? (uri ? decodeURIComponent(new URL(uri).pathname.slice(1)) || undefined : undefined);
}
