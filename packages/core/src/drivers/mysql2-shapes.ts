import { LOCAL_FILES } from './mysql2-files.js';
import {
  type Command,
  ERR,
  firstByte,
  LOCAL_INFILE,
  OK,
  type Packet,
  type PacketSource,
} from './mysql2-packets.js';

/** More than a server sends. */
const MOST_COLUMNS = 0xffff;
const SHORTEST_OK = 7;
const PREPARED_LENGTH = 12;

/**
 * What is wrong with the first packets of an answer, which the driver takes for what they should be; null = nothing.
 * Rows may look like anything.
 */
export function misshapen(packet: Packet, command: Command, source: PacketSource): string | null {
  const { next } = command;
  if (firstByte(packet) === ERR || !next) return null;
  switch (next) {
    case command.resultsetHeader:
      return headerFault(packet, command, source);
    case command.prepareHeader:
      return isOk(packet, PREPARED_LENGTH) ? null : 'an answer that does not belong to a PREPARE';
    case command.pingResponse:
    case command.resetConnectionResponse:
      return isOk(packet, SHORTEST_OK) ? null : 'an answer that is no OK';
    case command.readField:
      return command.resultsetHeader && packet.isEOF() ? 'fewer columns than it had announced' : null;
    default:
      return null;
  }
}

function headerFault(packet: Packet, command: Command, source: PacketSource): string | null {
  switch (firstByte(packet)) {
    case OK:
      return isOk(packet, SHORTEST_OK) ? null : 'an OK that is cut off';
    case LOCAL_INFILE:
      return mayAskForFile(command, source) ? null : 'a request for a file of this machine';
    default:
      return isColumnCount(packet) ? null : 'rows without a header';
  }
}

function isOk(packet: Packet, atLeast: number): boolean {
  return firstByte(packet) === OK && packet.end - packet.offset >= atLeast;
}

/** The server names the file: only where it was said to be allowed, and only of a statement that is about one. */
function mayAskForFile({ sql }: Command, { config }: PacketSource): boolean {
  return ((config.clientFlags ?? 0) & LOCAL_FILES) !== 0 && /\blocal\b/i.test(String(sql));
}

/** A number (protocol::lenenc-int), and nothing behind it. */
function isColumnCount({ buffer, offset, end }: Packet): boolean {
  const first = buffer[offset] as number;
  const length = end - offset;
  if (first < LOCAL_INFILE) return length === 1;
  return first === 0xfc && length === 3 && buffer.readUInt16LE(offset + 1) <= MOST_COLUMNS;
}
