import type { RawConnection } from '../driver.js';
import { firstByte, OK, type Packet } from './mysql2-packets.js';

const COM_QUERY = 3;
const COM_RESET_CONNECTION = 31;
const HEADER_LENGTH = 4;

/** What is used of the driver's packets to read an answer. */
interface ReadablePacket extends Packet {
  isError(): boolean;
  asError(encoding: string): Error;
  readLengthCodedString(encoding: string): string | null;
}

/** What is used of the driver's connection. */
interface Wire {
  readonly clientEncoding: string;
  sequenceId: number;
  write(bytes: Buffer): void;
  addCommand(command: Pipeline): void;
}

/** Rows as they came, or what the server refused the command with. */
export type Outcome = (string | null)[][] | Error;

type Step = (packet: ReadablePacket, wire: Wire) => boolean;

/** One packet, the first of its command. */
function command(code: number, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + 1 + Buffer.byteLength(text));
  bytes.writeUIntLE(bytes.length - HEADER_LENGTH, 0, 3);
  bytes[3] = 0;
  bytes[HEADER_LENGTH] = code;
  bytes.write(text, HEADER_LENGTH + 1);
  return bytes;
}

/** `text`: in UTF-8, and short. */
export const statementCommand = (text: string): Buffer => command(COM_QUERY, text);
export const RESET_COMMAND = command(COM_RESET_CONNECTION, '');

/**
 * Several commands that are sent in one go, as one command of the driver. Each is answered, whatever became of those before
 * it. Its steps have the names of the driver's own, by which the packet gate knows what is due.
 */
class Pipeline {
  /** Of no text that was sent may a file be asked for. */
  readonly sql = '';
  next: Step | null = null;
  /** The driver tells losses this way. */
  readonly onResult: (error: Error) => void;
  readonly #commands: readonly Buffer[];
  readonly #done: (outcomes: Outcome[]) => void;
  readonly #outcomes: Outcome[] = [];
  #rows: (string | null)[][] = [];
  #columns = 0;
  #columnsDue = 0;

  constructor(
    commands: readonly Buffer[],
    done: (outcomes: Outcome[]) => void,
    failed: (error: Error) => void,
  ) {
    this.#commands = commands;
    this.#done = done;
    this.onResult = failed;
  }

  /** @returns whether it is over */
  execute(packet: ReadablePacket | undefined, wire: Wire): boolean {
    if (!packet || !this.next) {
      wire.write(Buffer.concat(this.#commands));
      return this.#await(wire);
    }
    if (packet.isError()) return this.#answered(packet.asError(wire.clientEncoding), wire);
    return this.next(packet, wire);
  }

  /** The answer to the next one begins: its packets count from 1. */
  #await(wire: Wire): boolean {
    const due = this.#commands[this.#outcomes.length];
    if (!due) {
      this.#done(this.#outcomes);
      return true;
    }
    wire.sequenceId = 1;
    this.next = due === RESET_COMMAND ? this.resetConnectionResponse : this.resultsetHeader;
    return false;
  }

  #answered(outcome: Outcome, wire: Wire): boolean {
    this.#outcomes.push(outcome);
    this.#rows = [];
    return this.#await(wire);
  }

  resetConnectionResponse(_packet: ReadablePacket, wire: Wire): boolean {
    return this.#answered([], wire);
  }

  resultsetHeader(packet: ReadablePacket, wire: Wire): boolean {
    if (firstByte(packet) === OK) return this.#answered([], wire);
    this.#columns = this.#columnsDue = firstByte(packet) as number;
    return this.#expect(this.readField);
  }

  readField(): boolean {
    return this.#expect(--this.#columnsDue === 0 ? this.fieldsEOF : this.readField);
  }

  fieldsEOF(packet: ReadablePacket): boolean {
    // The driver ends the connection over it.
    if (!packet.isEOF()) throw Object.assign(new Error('Expected EOF packet'), { code: 'PROTOCOL_ERROR' });
    return this.#expect(this.row);
  }

  row(packet: ReadablePacket, wire: Wire): boolean {
    if (packet.isEOF()) return this.#answered(this.#rows, wire);
    const values: (string | null)[] = [];
    for (let i = 0; i < this.#columns; i++) values.push(packet.readLengthCodedString(wire.clientEncoding));
    this.#rows.push(values);
    return false;
  }

  #expect(step: Step): boolean {
    this.next = step;
    return false;
  }

  /** For the driver's option `debug`. */
  stateName(): string {
    return this.next?.name ?? 'start';
  }
}

/** Sends them all, then reads the answers. Rejects when the connection ends before the last of them. */
export function pipeline(raw: RawConnection, commands: readonly Buffer[]): Promise<Outcome[]> {
  return new Promise((resolve, reject) => {
    (raw as unknown as Wire).addCommand(new Pipeline(commands, resolve, reject));
  });
}
