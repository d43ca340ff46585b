import type { RawConnection } from '../driver.js';
import { type Internals, internals } from './mysql2-internals.js';
import { firstByte, type Packet } from './mysql2-packets.js';

const AUTH_SWITCH = 0xfe;
/** Of several: the driver answers it like a switch, and also when there is but one. */
const NEXT_FACTOR = 0x02;
const AUTH_DATA = 0x01;
/** What caching_sha2_password is asked for when the server does not remember the password. */
const WHOLE_PASSWORD = 0x04;

/** These get the password itself, in clear or encrypted with a key that nobody vouches for. */
const TELLING = new Set(['mysql_clear_password', 'sha256_password']);

/**
 * Which plugin would give the password away if it answered this packet of the login: who listens, or stands between,
 * could read it. null = none. The driver would answer each of them.
 */
export function tellingPlugin(packet: Packet, raw: RawConnection): string | null {
  const plugin = askedPlugin(packet);
  if (plugin === null) return null;
  const { config, stream } = internals(raw);
  if (!hasPassword(config) || isOwn(plugin, config) || isPrivate(config, stream.remoteAddress)) return null;
  return plugin;
}

function askedPlugin(packet: Packet): string | null {
  const { buffer, offset, end } = packet;
  if (firstByte(packet) === AUTH_DATA)
    return end - offset === 2 && buffer[offset + 1] === WHOLE_PASSWORD ? 'caching_sha2_password' : null;
  if (firstByte(packet) !== AUTH_SWITCH && firstByte(packet) !== NEXT_FACTOR) return null;
  const [name = ''] = buffer.toString('latin1', offset + 1, end).split('\0', 1);
  return TELLING.has(name) ? name : null;
}

function hasPassword({ password, password2, password3 }: Internals['config']): boolean {
  return Boolean(password || password2 || password3);
}

/** The application has said how this plugin is to answer: with the server's public key, most likely. */
function isOwn(plugin: string, { authPlugins, authSwitchHandler }: Internals['config']): boolean {
  return authSwitchHandler !== undefined || (authPlugins !== undefined && Object.hasOwn(authPlugins, plugin));
}

/** Nobody else can listen: TLS, a unix socket, the same machine. */
function isPrivate({ ssl, socketPath }: Internals['config'], remoteAddress: string | undefined): boolean {
  return Boolean(ssl || socketPath) || /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress ?? '');
}

export function wouldTell(plugin: string): Error {
  const message =
    `The server asks for the password by ${plugin}, on a connection that others may read: it was not sent. ` +
    `Use TLS (connection option ssl), or say how to answer, for example with the server's public key (connection option authPlugins).`;
  return Object.assign(new Error(message), { code: 'LOGIN_NOT_PRIVATE', fatal: true });
}
