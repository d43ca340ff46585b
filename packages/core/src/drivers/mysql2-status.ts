import type { RawConnection, ServerStatus } from '../driver.js';

/** What is used of the driver beyond its types (mysql2 3.24: lib/base/connection.js, lib/packets/packet.js). */
interface Packet {
  readonly buffer: Buffer;
  /** Start of the payload. */
  readonly offset: number;
  isEOF(): boolean;
}

/** A command is a state machine: `next` is the method that takes the next packet. */
interface Command {
  readonly next: unknown;
  readonly row?: unknown;
  readonly resultsetHeader?: unknown;
}

interface Internals {
  _command: Command | null;
  readonly _paused: boolean;
  handlePacket?: (packet?: Packet) => void;
}

const OK = 0x00;

/**
 * Reads the server's status from each OK and EOF packet as it passes. The driver shows the first kind in its
 * results, and drops the second, in which every SELECT ends.
 */
export class StatusWatch implements ServerStatus {
  flags: number | undefined;
  warnings = 0;

  constructor(raw: RawConnection) {
    const internals = raw as unknown as Internals;
    const { handlePacket } = internals;
    if (typeof handlePacket !== 'function') return;
    // The parser calls the method by its name on the connection, so that one of its own takes precedence.
    internals.handlePacket = (packet) => {
      // What arrives during a pause comes again.
      if (packet && !internals._paused && internals._command) this.#read(packet, internals._command);
      handlePacket.call(raw, packet);
    };
  }

  /** From here on only what the server says next counts. */
  forget(): void {
    this.flags = undefined;
    this.warnings = 0;
  }

  #read(packet: Packet, command: Command): void {
    const { buffer, offset } = packet;
    if (command.next === command.row) {
      if (packet.isEOF()) this.#take(buffer.readUInt16LE(offset + 3), buffer.readUInt16LE(offset + 1));
    } else if (command.next === command.resultsetHeader && buffer[offset] === OK) {
      // Affected rows and insert id come first, each as long as its first byte says.
      const at = afterNumber(buffer, afterNumber(buffer, offset + 1));
      this.#take(buffer.readUInt16LE(at), buffer.readUInt16LE(at + 2));
    }
  }

  #take(flags: number, warnings: number): void {
    this.flags = flags;
    this.warnings = warnings;
  }
}

/** Where a length-encoded integer ends (protocol::lenenc-int). */
function afterNumber(buffer: Buffer, at: number): number {
  const first = buffer[at] as number;
  if (first < 0xfb) return at + 1;
  return at + { 252: 3, 253: 4, 254: 9 }[first as 0xfc | 0xfd | 0xfe];
}

const IN_TRANSACTION = 0x0001;

/**
 * Whether the watch sees what it should, on this version of the driver: BEGIN; SELECT 1, as text and prepared;
 * ROLLBACK. Rejects with the server's error if one of them fails.
 */
export async function statusIsSeen(raw: RawConnection, watch: StatusWatch): Promise<boolean> {
  const seen: boolean[] = [];
  const look = async (run: (done: (error: Error | null) => void) => void) => {
    watch.forget();
    await new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())));
    seen.push(watch.flags !== undefined && (watch.flags & IN_TRANSACTION) !== 0);
  };
  await look((done) => raw.query('START TRANSACTION', done));
  await look((done) => raw.query('SELECT 1', done));
  await look((done) => raw.execute('SELECT 1', done));
  await look((done) => raw.query('ROLLBACK', done));
  raw.unprepare('SELECT 1');
  return seen.join() === 'true,true,true,false';
}
