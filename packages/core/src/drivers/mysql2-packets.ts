import type { Socket } from 'node:net';
import type { RawConnection } from '../driver.js';

/** What is used of the driver's packets and commands beyond its types (mysql2 3.24: lib/packets, lib/commands). */
export interface Packet {
  readonly buffer: Buffer;
  /** Start of the payload, until somebody has read from it. */
  readonly offset: number;
  readonly end: number;
  readonly sequenceId: number;
  isEOF(): boolean;
}

/** A command is a state machine: `next` is the method that takes the next packet. */
export interface Command {
  readonly next: unknown;
  /** Of those that log in: the first, and `changeUser()`. */
  readonly handshakeResult?: unknown;
  readonly sql?: unknown;
  readonly row?: unknown;
  readonly readField?: unknown;
  readonly resultsetHeader?: unknown;
  readonly prepareHeader?: unknown;
  readonly pingResponse?: unknown;
  readonly resetConnectionResponse?: unknown;
}

export interface PacketParser {
  readonly execute: unknown;
}

/** lib/base/connection.js */
export interface PacketSource {
  readonly stream: Socket;
  readonly config: { readonly compress?: unknown; readonly clientFlags?: number };
  readonly packetParser?: PacketParser;
  readonly _command: Command | null | undefined;
  readonly _paused: boolean;
  /** Number of the packet that is due. */
  sequenceId: number;
  handlePacket?: (packet?: Packet) => void;
}

export const packetSource = (raw: RawConnection): PacketSource => raw as unknown as PacketSource;

/** First bytes of payloads. */
export const OK = 0x00;
export const ERR = 0xff;
export const LOCAL_INFILE = 0xfb;

export function firstByte({ buffer, offset }: Packet): number | undefined {
  return buffer[offset];
}

/** The rest of what came last is still to come. */
export function isInPacket(parser: PacketParser | undefined): boolean {
  if (!parser) return false;
  const { executeStart } = Object.getPrototypeOf(parser) as { executeStart?: unknown };
  return executeStart !== undefined && parser.execute !== executeStart;
}
