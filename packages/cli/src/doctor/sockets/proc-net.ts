/** The states that say something about a client; the numbers are Linux's. */
const STATES: Readonly<Record<string, SocketState>> = {
  '01': 'ESTABLISHED',
  '06': 'TIME_WAIT',
  '08': 'CLOSE_WAIT',
};

export type SocketState = 'ESTABLISHED' | 'TIME_WAIT' | 'CLOSE_WAIT' | 'other';

export interface Socket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly state: SocketState;
  readonly uid: number;
  /** What a process's descriptor names; '0' = of no process any more. */
  readonly inode: string;
}

/** The lines of `/proc/net/tcp` or `tcp6`. */
export function parseProcNet(table: string): Socket[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 10)
    .map(socketOf);
}

function socketOf(fields: readonly string[]): Socket {
  const [, local = '', remote = '', state = '', , , , uid = '', , inode = '0'] = fields;
  const [localAddress = '', localPort = ''] = local.split(':');
  const [remoteAddress = '', remotePort = ''] = remote.split(':');
  return {
    localAddress: addressOf(localAddress),
    localPort: Number.parseInt(localPort, 16),
    remoteAddress: addressOf(remoteAddress),
    remotePort: Number.parseInt(remotePort, 16),
    state: STATES[state] ?? 'other',
    uid: Number(uid),
    inode,
  };
}

/** Hexadecimal, in words of 32 bits, each with its bytes in this machine's order. IPv4 in IPv6 as IPv4. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => inNetworkOrder(Buffer.from(word, 'hex')));
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return bytes.slice(12).join('.');
  return canonical(bytes);
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function inNetworkOrder(word: Buffer): number[] {
  return littleEndian ? [...word].reverse() : [...word];
}

function canonical(bytes: readonly number[]): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((i) =>
    ((bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0)).toString(16),
  );
  return canonicalAddress(groups.join(':'));
}

/** One spelling for each address, so that they can be compared. */
export function canonicalAddress(address: string): string {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return plain.includes(':') ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}
