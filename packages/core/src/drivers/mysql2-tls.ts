import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { SslOptions } from 'mysql2';
import type { RawConnection } from '../driver.js';
import { internals } from './mysql2-internals.js';

type Secured = (error?: Error) => void;

interface TlsInternals {
  /** Called when the server is to be trusted, before the account and its password are sent. */
  startTLS(secured: Secured): void;
}

export type Ssl = SslOptions & { readonly verifyIdentity?: boolean };

/** One object per original: the driver caches parsed certificates and sessions by identity. */
const named = new WeakMap<object, Ssl>();

function withName(ssl: Ssl): Ssl {
  let made = named.get(ssl);
  if (!made) {
    made = { ...ssl, verifyIdentity: true };
    named.set(ssl, made);
  }
  return made;
}

/**
 * Has the name in the server's certificate checked, unless `verifyIdentity: false` was asked for. mysql2 checks the chain only: a
 * certificate for another host would do. To be called before the handshake.
 */
export function verifyServer(raw: RawConnection): void {
  const { config } = internals(raw);
  const ssl = config.ssl as Ssl | false;
  if (!ssl || ssl.verifyIdentity === false) return;
  if (isIP(config.host) === 0) config.ssl = withName(ssl);
  else verifyAddress(raw, ssl);
}

/** For an address mysql2 names no host, and Node then checks for `localhost`. */
function verifyAddress(raw: RawConnection, ssl: Ssl): void {
  const { config } = internals(raw);
  const connection = raw as unknown as TlsInternals;
  const { startTLS } = connection;
  if (typeof startTLS !== 'function')
    throw new Error('this version of mysql2 does not let the certificate of an IP address be checked');
  // An object of its own for each connection: a session that is resumed would show no certificate.
  config.ssl = { ...ssl, verifyIdentity: false };
  connection.startTLS = (secured) => {
    startTLS.call(connection, (error) => {
      const certificate = () => (internals(raw).stream as TLSSocket).getPeerCertificate();
      // Nobody's chain is checked then, and anybody can write any name.
      const trustsAnybody = ssl.rejectUnauthorized === false;
      secured(error ?? (trustsAnybody ? undefined : mismatch(config.host, certificate())));
    });
  };
}

function mismatch(address: string, certificate: PeerCertificate): Error | undefined {
  const error = checkServerIdentity(address, certificate);
  if (!error) return undefined;
  const { subject, subjectaltname } = certificate;
  const names = [subject?.CN && `CN ${subject.CN}`, subjectaltname].filter(Boolean).join(', ');
  error.message += ` The certificate is for ${names || 'nobody'}.`;
  return error;
}
