import type { RawConnection, ServerStatus } from '../driver.js';
import { hasNoRoom } from './mysql2-execute.js';
import type { PacketGate } from './mysql2-gate.js';
import { type Command, firstByte, OK, type Packet } from './mysql2-packets.js';

const NO_BACKSLASH_ESCAPES = 0x0200;

/**
 * Reads the server's status from each OK and EOF packet as it passes. The driver shows the first kind in its
 * results, and drops the second, in which every SELECT ends.
 */
export class StatusWatch implements ServerStatus {
  flags: number | undefined;
  warnings = 0;
  /** In literals, as the driver does; not where sql_mode says NO_BACKSLASH_ESCAPES. undefined = nothing was seen. */
  escapesByBackslash: boolean | undefined;

  /** `greeting`: the flags that the handshake began with. */
  constructor(gate: PacketGate, greeting: number | undefined) {
    if (greeting !== undefined) this.escapesByBackslash = (greeting & NO_BACKSLASH_ESCAPES) === 0;
    gate.onPacket = (packet, command) => this.#read(packet, command);
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
    } else if (command.next === command.resultsetHeader && firstByte(packet) === OK) {
      // Affected rows and insert id come first, each as long as its first byte says.
      const at = afterNumber(buffer, afterNumber(buffer, offset + 1));
      this.#take(buffer.readUInt16LE(at), buffer.readUInt16LE(at + 2));
    }
  }

  #take(flags: number, warnings: number): void {
    this.flags = flags;
    this.warnings = warnings;
    this.escapesByBackslash = (flags & NO_BACKSLASH_ESCAPES) === 0;
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
 * ROLLBACK. null = the server has no room for a prepared statement now. Rejects with the server's error if one of them
 * fails otherwise.
 */
export async function statusIsSeen(raw: RawConnection, watch: StatusWatch): Promise<boolean | null> {
  const seen: boolean[] = [];
  const look = async (run: (done: (error: Error | null) => void) => void) => {
    watch.forget();
    await new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())));
    seen.push(watch.flags !== undefined && (watch.flags & IN_TRANSACTION) !== 0);
  };
  await look((done) => raw.query('START TRANSACTION', done));
  await look((done) => raw.query('SELECT 1', done));
  const prepared = await look((done) => raw.execute('SELECT 1', done)).then(
    () => true,
    (error) => !hasNoRoom(error) && Promise.reject(error),
  );
  await look((done) => raw.query('ROLLBACK', done));
  raw.unprepare('SELECT 1');
  return prepared ? seen.join() === 'true,true,true,false' : null;
}
