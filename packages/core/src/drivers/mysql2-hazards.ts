import mysql, { type ConnectionOptions } from 'mysql2';
import { LOCAL_FILES } from './mysql2-files.js';
import type { Ssl } from './mysql2-tls.js';

const MULTI_STATEMENTS = 0x10000;

interface Read {
  readonly clientFlags: number;
  readonly debug?: unknown;
  readonly ssl: Ssl | false;
}

/** What each option that was given takes away, a sentence each with what to do. The defaults have none. */
export function hazards(given: ConnectionOptions): string[] {
  const { ConnectionConfig } = mysql as unknown as { ConnectionConfig: new (config: object) => Read };
  const { clientFlags, debug, ssl } = new ConnectionConfig({ ...given });
  const { verifyIdentity, rejectUnauthorized } = ssl || {};
  // On by default in the driver, off by ours.
  const asksForFiles = /(?:^|[^-\w])\+?LOCAL_FILES\b/i.test([given.flags ?? []].flat().join());
  return [
    (clientFlags & MULTI_STATEMENTS) !== 0 &&
      'multipleStatements lets one string end a statement and begin another, so that text put into SQL can do anything at all. Use it in a pool of its own for migrations and scripts, with an account of its own, and leave it off where requests come in.',
    asksForFiles &&
      (clientFlags & LOCAL_FILES) !== 0 &&
      'the flag LOCAL_FILES lets the server, or whoever answers in its place, ask for files of this machine: infileStreamFactory has to refuse every path but those that are meant, and TLS has to be on. Better read the file here and INSERT its rows.',
    ssl &&
      rejectUnauthorized === false &&
      'ssl.rejectUnauthorized: false trusts any certificate, also that of somebody in between, who then gets the password and all data. Give the authority in ssl.ca instead.',
    ssl &&
      rejectUnauthorized !== false &&
      verifyIdentity === false &&
      'ssl.verifyIdentity: false trusts a certificate for another host. Connect by a name (or address) that is in the certificate instead.',
    debug && 'debug prints every packet, values included. Not for production.',
  ].filter((sentence) => typeof sentence === 'string');
}
