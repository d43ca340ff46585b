import type { RawConnection } from '../driver.js';
import { tellingPlugin, wouldTell } from './mysql2-login.js';
import {
  type Command,
  ERR,
  firstByte,
  isInPacket,
  type Packet,
  type PacketSource,
  packetSource,
} from './mysql2-packets.js';
import { misshapen } from './mysql2-shapes.js';

/**
 * Every packet comes by here before the driver sees it. Answers carry no mark of their question: once one has come that
 * nobody asked for, each later one may belong to somebody else. The driver takes most of that as it comes; here it is the
 * end of the connection, and nothing more of it is believed.
 */
export class PacketGate {
  /** Told once, and asked to cut the socket. */
  onFault: (error: Error) => void = () => {};
  /** Told of each packet that has passed, and of the command that it answers. */
  onPacket: ((packet: Packet, command: Command) => void) | null = null;
  readonly #raw: RawConnection;
  readonly #source: PacketSource;
  #loggedIn = false;
  #faulty = false;
  /** Bytes that have come are being read. */
  #reading = false;
  /** A command was sent meanwhile: what is left of them can't be its answer. */
  #asked = false;

  constructor(raw: RawConnection) {
    this.#raw = raw;
    this.#source = packetSource(raw);
    const { handlePacket } = this.#source;
    if (typeof handlePacket !== 'function') return;
    const pass = handlePacket.bind(this.#source);
    // The parser calls the method by its name on the connection, so that one of its own takes precedence.
    this.#source.handlePacket = (packet) => {
      if (this.#faulty) return;
      // What arrives during a pause comes again.
      if (this.#source._paused && packet) pass(packet);
      else if (packet ? this.#mayPass(packet) : this.#mayAsk()) pass(packet);
    };
  }

  /** The login is over: from here on the socket stays the same. */
  loggedIn(): void {
    this.#loggedIn = true;
    const { stream } = this.#source;
    stream.prependListener('data', () => {
      this.#reading = true;
    });
    stream.on('data', () => {
      this.#reading = false;
      const { _command, packetParser } = this.#source;
      if ((!_command || this.#asked) && isInPacket(packetParser))
        this.#fault('the beginning of an answer to nothing');
      this.#asked = false;
    });
  }

  /** A command begins: whatever has come until now was there before it. @returns whether it may be sent */
  #mayAsk(): boolean {
    if (this.#reading) this.#asked = true;
    else if (isInPacket(this.#source.packetParser))
      return this.#fault('the beginning of an answer to nothing');
    return true;
  }

  /** @returns whether the driver may have it */
  #mayPass(packet: Packet): boolean {
    const { _command } = this.#source;
    // What a server says when it hangs up: the driver tells it as the error that it is.
    if (!_command) return firstByte(packet) === ERR || this.#fault('an answer to nothing');
    if (this.#asked) return this.#fault('an answer before the question');
    if (packet.sequenceId !== this.#source.sequenceId && !this.#mayCountAnew(packet)) {
      const { sequenceId } = this.#source;
      return this.#fault(`packet ${packet.sequenceId} where ${sequenceId} was due`);
    }
    if (!this.#loggedIn || _command.handshakeResult) return this.#mayLogIn(packet);
    const wrong = misshapen(packet, _command, this.#source);
    if (wrong) return this.#fault(wrong);
    this.onPacket?.(packet, _command);
    return true;
  }

  /**
   * With compression the server counts anew within an answer, where one result ends and the next begins. Its last words
   * before it hangs up are counted from 0 whatever was asked meanwhile, and from anything before the login.
   */
  #mayCountAnew(packet: Packet): boolean {
    const isFirstOfAnswer = this.#source.sequenceId === 1;
    const isGoodbye = firstByte(packet) === ERR && (packet.sequenceId === 0 || !this.#loggedIn);
    if (!isGoodbye && (isFirstOfAnswer || !this.#source.config.compress)) return false;
    // The driver would complain on the console.
    this.#source.sequenceId = packet.sequenceId;
    // It has its say; then it is over.
    if (isGoodbye && this.#loggedIn) process.nextTick(() => this.#fault('its last words'));
    return true;
  }

  #mayLogIn(packet: Packet): boolean {
    const plugin = tellingPlugin(packet, this.#raw);
    return plugin === null || this.#end(wouldTell(plugin));
  }

  #fault(what: string): false {
    return this.#end(unexpected(what));
  }

  #end(error: Error): false {
    if (this.#faulty) return false;
    this.#faulty = true;
    this.onFault(error);
    return false;
  }
}

function unexpected(what: string): Error {
  const message = `The connection was cut: the server sent ${what}, so that its answers can no longer be told apart.`;
  return Object.assign(new Error(message), { code: 'PROTOCOL_UNEXPECTED_PACKET', fatal: true });
}
