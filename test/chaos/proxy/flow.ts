import type { Random } from '../random.js';
import { isWholeReply } from './replies.js';

export type Direction = 'to-server' | 'to-client';

/**
 * What happens to bytes. A connection that lost some stays silent in that direction for good, as behind a router that
 * has forgotten it: what came later would be read as something else.
 */
export type Flow =
  | { kind: 'ok' }
  /** Each way. */
  | { kind: 'delay'; ms: number }
  /** Of each connection, each way. */
  | { kind: 'throttle'; bytesPerSecond: number }
  /** Bytes vanish, and so do the ends of connections until another flow comes. */
  | { kind: 'blackhole'; towards: 'both' | 'server' | 'client' }
  /** In the middle of what was sent at once, the connection is reset. */
  | { kind: 'cut'; probability: number }
  /** A reply loses its tail; nothing follows. */
  | { kind: 'truncate'; probability: number }
  /** A reply comes twice in a row. */
  | { kind: 'duplicate-reply'; probability: number }
  /** COMMIT reaches the server, its reply vanishes; then the connection is reset, or stays silent. */
  | { kind: 'swallow-commit'; probability: number; after: 'reset' | 'hang' };

/** What becomes of the bytes that came at once. */
export interface Fate {
  forward: Buffer;
  /** Who did harm, if anybody did. */
  by?: Flow['kind'];
  /** `silent`: nothing passes in this direction from here on. `reset`: that is the end of the connection. */
  after?: 'silent' | 'reset';
}

const nothing = Buffer.alloc(0);

export function fateOf(chunk: Buffer, { direction, flow, random, swallowed }: Circumstances): Fate {
  const toClient = direction === 'to-client';
  if (isBlackhole(flow, direction)) return { forward: nothing, by: flow.kind, after: 'silent' };
  if (toClient && swallowed) {
    return { forward: nothing, by: 'swallow-commit', after: swallowed === 'reset' ? 'reset' : 'silent' };
  }
  switch (flow.kind) {
    case 'cut':
      if (!random.chance(flow.probability)) break;
      return { forward: beginning(chunk, random), by: flow.kind, after: 'reset' };
    case 'truncate':
      if (!toClient || !random.chance(flow.probability)) break;
      return { forward: beginning(chunk, random), by: flow.kind, after: 'silent' };
    case 'duplicate-reply':
      if (!toClient || !isWholeReply(chunk) || !random.chance(flow.probability)) break;
      return { forward: Buffer.concat([chunk, chunk]), by: flow.kind };
  }
  return { forward: chunk };
}

export interface Circumstances {
  direction: Direction;
  flow: Flow;
  random: Random;
  /** What follows a COMMIT whose reply is lost: these bytes are that reply. */
  swallowed?: 'reset' | 'hang' | undefined;
}

export function isBlackhole(flow: Flow, direction: Direction): boolean {
  return flow.kind === 'blackhole' && (flow.towards === 'both' || `to-${flow.towards}` === direction);
}

/** Less than the whole. */
const beginning = (chunk: Buffer, random: Random) => chunk.subarray(0, random.int(0, chunk.length - 1));
