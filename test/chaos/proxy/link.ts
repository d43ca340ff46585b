import type { Socket } from 'node:net';
import { Commands } from '@handback/contract/support/commands.js';
import { reset } from '@handback/contract/support/reset.js';
import type { Random } from '../random.js';
import { type Direction, type Flow, fateOf, isBlackhole } from './flow.js';
import { Pipe } from './pipe.js';

interface Side {
  direction: Direction;
  from: Socket;
  to: Socket;
  pipe: Pipe;
  /** Bytes were lost in this direction: none pass any more. */
  silencedBy?: Flow['kind'] | undefined;
  /** How it ended, for as long as the other side has not been told. */
  untold?: 'end' | 'close' | 'reset';
}

export interface LinkOptions {
  client: Socket;
  server: Socket;
  flow: Flow;
  random: Random;
  /** The flow did harm: so many bytes were lost, not counting those that were doubled. */
  onStrike(kind: Flow['kind'], lost: number): void;
  onClosed(): void;
}

/** One connection through the proxy: two sockets and what goes between them. */
export class Link {
  readonly #sides: readonly Side[];
  readonly #sockets: readonly Socket[];
  readonly #random: Random;
  readonly #onStrike: LinkOptions['onStrike'];
  #flow: Flow;
  /** A COMMIT is under way whose reply is to be lost, also if the flow changes before it comes. */
  #swallowed: 'reset' | 'hang' | undefined;

  constructor({ client, server, flow, random, onStrike, onClosed }: LinkOptions) {
    this.#flow = flow;
    this.#random = random;
    this.#onStrike = onStrike;
    this.#sockets = [client, server];
    const commands = new Commands((name, beginning) => this.#onCommand(name, beginning));
    client.on('data', (chunk: Buffer) => commands.read(chunk));
    this.#sides = [this.#side('to-server', client, server), this.#side('to-client', server, client)];
    for (const socket of this.#sockets) {
      socket.on('close', () => {
        if (client.destroyed && server.destroyed) onClosed();
      });
    }
  }

  turn(flow: Flow): void {
    this.#flow = flow;
    for (const side of this.#sides) {
      if (flow.kind === 'ok') side.pipe.hurry();
      this.#tell(side);
    }
  }

  cut(how: 'RST' | 'FIN'): void {
    for (const socket of this.#sockets) {
      if (how === 'RST') reset(socket);
      else socket.destroySoon();
    }
  }

  #side(direction: Direction, from: Socket, to: Socket): Side {
    const side: Side = { direction, from, to, pipe: new Pipe(from, to) };
    from.on('data', (chunk: Buffer) => this.#carry(side, chunk));
    from.on('end', () => this.#ended(side, 'end'));
    // A reset; 'close' follows.
    from.on('error', () => {});
    from.on('close', (failed) => this.#ended(side, failed ? 'reset' : 'close'));
    return side;
  }

  #onCommand(name: string, beginning: Buffer): void {
    const flow = this.#flow;
    if (flow.kind !== 'swallow-commit' || name !== 'query') return;
    if (!/^\s*commit\b/i.test(beginning.toString('latin1'))) return;
    if (this.#random.chance(flow.probability)) this.#swallowed = flow.after;
  }

  #carry(side: Side, chunk: Buffer): void {
    const { direction, pipe } = side;
    const flow = this.#flow;
    if (side.silencedBy) return this.#onStrike(side.silencedBy, chunk.length);
    const circumstances = { direction, flow, random: this.#random, swallowed: this.#swallowed };
    const { forward, after, by } = fateOf(chunk, circumstances);
    pipe.push(forward, flow);
    if (by) this.#onStrike(by, Math.max(0, chunk.length - forward.length));
    if (after) side.silencedBy = by;
    if (after === 'reset') this.#resetBehind(side, forward);
  }

  /** The reset must not overtake what still passes. */
  #resetBehind(side: Side, last: Buffer): void {
    if (last.length === 0) this.cut('RST');
    else side.to.write('', () => this.cut('RST'));
  }

  #ended(side: Side, how: 'end' | 'close' | 'reset'): void {
    side.untold = how;
    this.#tell(side);
  }

  #tell(side: Side): void {
    const { untold, to, pipe, direction } = side;
    if (untold === undefined || isBlackhole(this.#flow, direction)) return;
    delete side.untold;
    if (to.destroyed) return;
    if (untold === 'reset') reset(to);
    else pipe.end();
  }
}
