import { readFile } from 'node:fs/promises';

export type SocketState = 'ESTABLISHED' | 'FIN_WAIT' | 'CLOSE_WAIT' | 'TIME_WAIT' | 'other';

export interface SocketLine {
  localPort: number;
  remotePort: number;
  state: SocketState;
}

const STATES: Record<string, SocketState> = {
  '01': 'ESTABLISHED',
  '04': 'FIN_WAIT',
  '05': 'FIN_WAIT',
  '06': 'TIME_WAIT',
  '08': 'CLOSE_WAIT',
};

/** The lines of /proc/net/tcp or tcp6. */
export function parseSockets(text: string): SocketLine[] {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
    return { localPort: portOf(local), remotePort: portOf(remote), state: STATES[state] ?? 'other' };
  });
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':').at(-1) ?? '', 16);
}

export type SocketCounts = Record<SocketState, number>;

export function countStates(sockets: readonly SocketLine[]): SocketCounts {
  const counts: SocketCounts = { ESTABLISHED: 0, FIN_WAIT: 0, CLOSE_WAIT: 0, TIME_WAIT: 0, other: 0 };
  for (const { state } of sockets) counts[state]++;
  return counts;
}

export interface AppSockets {
  /** To the address that it knows as its database. */
  database: SocketCounts;
  clients: SocketCounts;
}

/** Those that the process holds: one in TIME_WAIT is the kernel's. */
export function heldOf(counts: SocketCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.TIME_WAIT;
}

/** The app's ends of its connections. Undefined where there is no /proc to look into. */
export async function socketsOf(httpPort: number, databasePort: number): Promise<AppSockets | undefined> {
  const texts = await Promise.all(['tcp', 'tcp6'].map((file) => read(`/proc/net/${file}`)));
  if (texts[0] === undefined) return undefined;
  const lines = texts.flatMap((text) => parseSockets(text ?? ''));
  return {
    database: countStates(lines.filter(({ remotePort }) => remotePort === databasePort)),
    // The listening socket has no other end.
    clients: countStates(
      lines.filter(({ localPort, remotePort }) => localPort === httpPort && remotePort > 0),
    ),
  };
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
