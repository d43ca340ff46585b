import type { Session } from '../../session.js';
import type { Target } from '../../target.js';
import { type Between, numberOf, type ServerFacts, type Thread } from '../picture.js';
import { integer, type Readings } from './readings.js';

const NAMES = /proxysql|maxscale|mariadb-router|mysql-?router|vitess|rds ?proxy/i;
/** `name.proxy-abc123.eu-central-1.rds.amazonaws.com` */
const RDS_PROXY = /\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(\.cn)?$/i;

/** Asks for the session's number; the rest is known. */
export async function readPooling(
  readings: Readings,
  target: Pick<Target, 'host'>,
  { version, variables }: ServerFacts,
  handshakeId: number,
): Promise<string | null> {
  const comment = variables.get('version_comment') ?? '';
  const name = NAMES.exec(`${version} ${comment}`)?.[0];
  if (name) return `its version says ${name}`;
  if (RDS_PROXY.test(target.host)) return 'its name is that of an RDS Proxy';
  const [row = {}] = await readings.need('SELECT CONNECTION_ID() AS id');
  const id = integer(row.id);
  if (id === handshakeId) return null;
  return `the handshake said connection ${handshakeId}, CONNECTION_ID() says ${id}: somebody answers in the server's place`;
}

/** Whether the server sees another port of ours than we have, or has another one than we asked at. */
export function forwardingOf(
  { socket }: Pick<Session, 'socket'>,
  own: Thread | undefined,
  { variables }: ServerFacts,
): Between['forwarding'] {
  const port = numberOf(variables, 'port');
  if (!socket) return null;
  const { remotePort, localPort } = socket;
  if (port !== undefined && port !== remotePort && numberOf(variables, 'extra_port') !== remotePort)
    return `asked at port ${remotePort}, and the server's is ${port}`;
  if (own?.port === undefined || own.port === localPort) return null;
  return `this session comes from port ${localPort}, and the server sees ${own.host}:${own.port}`;
}
