/** What the server's side of the MySQL protocol says, as far as these tests need it: payloads, without their headers. */

export const STATUS = { inTransaction: 0x0001, autocommit: 0x0002 } as const;

const CAPABILITIES =
  // LONG_PASSWORD (no MariaDB extensions), FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, LOCAL_FILES, PROTOCOL_41,
  0x0001 | 0x0002 | 0x0004 | 0x0008 | 0x0080 | 0x0200;
// TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_ATTRS, SESSION_TRACK
const MORE_CAPABILITIES = 0x2000 | 0x8000 | 0x080000 | 0x100000 | 0x800000;

const UTF8MB4 = 45;
const VAR_STRING = 253;

/** The header that every packet begins with. */
export function framed(payload: Buffer, sequence: number, length = payload.length): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(length, 0, 3);
  header[3] = sequence & 0xff;
  return Buffer.concat([header, payload]);
}

function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

/** protocol::lenenc-int */
function lengthCoded(value: number): Buffer {
  if (value < 0xfb) return uint(value, 1);
  if (value <= 0xffff) return Buffer.concat([uint(0xfc, 1), uint(value, 2)]);
  return Buffer.concat([uint(0xfd, 1), uint(value, 3)]);
}

/** protocol::lenenc-str; null as in a text row. */
function text(value: string | null): Buffer {
  if (value === null) return uint(0xfb, 1);
  const bytes = Buffer.from(value);
  return Buffer.concat([lengthCoded(bytes.length), bytes]);
}

function terminated(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

export const SCRAMBLE = Buffer.from('abcdefghijklmnopqrst');

export function greeting(threadId: number, version: string, plugin: string): Buffer {
  const capabilities = CAPABILITIES | MORE_CAPABILITIES;
  return Buffer.concat([
    uint(10, 1),
    terminated(version),
    uint(threadId, 4),
    SCRAMBLE.subarray(0, 8),
    uint(0, 1),
    uint(capabilities & 0xffff, 2),
    uint(UTF8MB4, 1),
    uint(STATUS.autocommit, 2),
    uint(capabilities >>> 16, 2),
    uint(SCRAMBLE.length + 1, 1),
    Buffer.alloc(10),
    SCRAMBLE.subarray(8),
    uint(0, 1),
    terminated(plugin),
  ]);
}

export function ok(status: number, affectedRows = 0): Buffer {
  return Buffer.concat([
    uint(0, 1),
    lengthCoded(affectedRows),
    lengthCoded(0),
    uint(status, 2),
    uint(0, 2),
    text(''),
  ]);
}

export function eof(status: number): Buffer {
  return Buffer.concat([uint(0xfe, 1), uint(0, 2), uint(status, 2)]);
}

/** What the server refuses something with. */
export class ServerError extends Error {
  readonly errno: number;
  readonly sqlState: string;

  constructor(errno: number, sqlState: string, message: string) {
    super(message);
    this.errno = errno;
    this.sqlState = sqlState;
  }
}

export function err({ errno, sqlState, message }: ServerError): Buffer {
  return Buffer.concat([uint(0xff, 1), uint(errno, 2), Buffer.from(`#${sqlState}${message}`)]);
}

export function columnCount(count: number): Buffer {
  return lengthCoded(count);
}

export function column(name: string): Buffer {
  return Buffer.concat([
    ...['def', '', '', '', name, name].map(text),
    uint(0x0c, 1),
    uint(UTF8MB4, 2),
    uint(1_024, 4),
    uint(VAR_STRING, 1),
    uint(0, 2),
    uint(0, 1),
    uint(0, 2),
  ]);
}

export type Row = Readonly<Record<string, string | null>>;

export function textRow(row: Row): Buffer {
  return Buffer.concat(Object.values(row).map(text));
}

/** As in the answer to a prepared statement. */
export function binaryRow(row: Row): Buffer {
  const values = Object.values(row);
  const nulls = Buffer.alloc((values.length + 7 + 2) >> 3);
  values.forEach((value, i) => {
    if (value === null) nulls[(i + 2) >> 3] = (nulls[(i + 2) >> 3] ?? 0) | (1 << ((i + 2) & 7));
  });
  return Buffer.concat([uint(0, 1), nulls, ...values.filter((value) => value !== null).map(text)]);
}

export function prepared(statementId: number, columns: number): Buffer {
  return Buffer.concat([
    uint(0, 1),
    uint(statementId, 4),
    uint(columns, 2),
    uint(0, 2),
    uint(0, 1),
    uint(0, 2),
  ]);
}

export function authSwitch(plugin: string): Buffer {
  return Buffer.concat([uint(0xfe, 1), terminated(plugin), SCRAMBLE, uint(0, 1)]);
}

/** The next of several factors, by another plugin. */
export function nextFactor(plugin: string): Buffer {
  return Buffer.concat([uint(0x02, 1), authSwitch(plugin).subarray(1)]);
}

/** More that an authentication plugin has to say. */
export function authData(data: Buffer): Buffer {
  return Buffer.concat([uint(0x01, 1), data]);
}

export function localInfile(path: string): Buffer {
  return Buffer.concat([uint(0xfb, 1), Buffer.from(path)]);
}

/** What comes in, cut into packets: the payload of each, and its number. */
export class PacketReader {
  #rest = Buffer.alloc(0);

  *read(chunk: Buffer): Generator<Buffer> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4) {
      const end = 4 + this.#rest.readUIntLE(0, 3);
      if (this.#rest.length < end) return;
      const payload = this.#rest.subarray(4, end);
      this.#rest = this.#rest.subarray(end);
      yield payload;
    }
  }
}
