import { isIP } from 'node:net';
import type { ConnectionOptions } from 'mysql2';
import { UsageError } from './exit-codes.js';

/** Where a server is, and who asks there; the password is elsewhere. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string | undefined;
  readonly socketPath: string | undefined;
  readonly ssl: ConnectionOptions['ssl'] | undefined;
  /** For people; without the password. */
  readonly label: string;
  /** Of the url; undefined where it has none. Neither printed nor inspected: see `passwordFor`. */
  readonly passwordOfUrl: () => string | undefined;
}

const DEFAULT_PORT = 3306;
const FORM = 'mysql://user@host:3306/schema';

/** `mysql://user:password@host:port/schema?ssl={…}&socketPath=…`, as the application has it. Throws UsageError, without the url. */
export function parseTarget(given: string | undefined): Target {
  if (given === undefined) throw new UsageError(`the server's url is missing: ${FORM}`);
  const url = parseUrl(given);
  const host = decoded(url.hostname.replace(/^\[(.*)\]$/, '$1')) || 'localhost';
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const user = decoded(url.username);
  const password = decoded(url.password);
  const isGiven = password !== '' || /^[^/]*\/\/[^/@]*:@/.test(given);
  const socketPath = url.searchParams.get('socketPath') ?? undefined;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    host,
    port,
    user,
    database: decoded(url.pathname.slice(1)) || undefined,
    socketPath,
    ssl: sslOf(url.searchParams.get('ssl'), host),
    label: `${user || '(no user)'}@${socketPath ?? `${shownHost}:${port}`}`,
    passwordOfUrl: () => (isGiven ? password : undefined),
  };
}

/** `user:12/34@host`: to the parser a host, a port and a path; messages would name the first part of a password as the port. */
export function isCutInItsPassword({ pathname, search, hash }: URL): boolean {
  return `${pathname}${search}${hash}`.includes('@');
}

function parseUrl(given: string): URL {
  // Neither the url nor the parser's error, which repeats it, is printed: there may be a password in it.
  const notAUrl = new UsageError(
    `the server's url is not one; its form is ${FORM}, and characters such as ? # @ / in a user or password are percent-encoded`,
  );
  if (!URL.canParse(given)) throw notAUrl;
  const url = new URL(given);
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') throw notAUrl;
  if (isCutInItsPassword(url)) throw notAUrl;
  return url;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UsageError('a part of the url is not percent-encoded text');
  }
}

/**
 * As the driver reads it: JSON, or the name of a profile. A certificate for another host is refused; of an address the driver
 * looks at the chain alone.
 */
function sslOf(given: string | null, host: string): ConnectionOptions['ssl'] | undefined {
  if (given === null || given === 'false') return undefined;
  const named = isIP(host) === 0 ? { verifyIdentity: true } : {};
  if (given === 'true') return named;
  if (!given.startsWith('{')) return given;
  try {
    return { ...named, ...JSON.parse(given) };
  } catch {
    throw new UsageError('ssl in the url is neither JSON nor the name of a profile');
  }
}
