import type { RacePool } from './fixture.js';
import { Watched } from './outcome.js';
import type { Scene } from './scenes.js';

/** What happens at a point where the server has stopped. */
export const ACTIONS = [
  'abort',
  'timeout',
  'release',
  'double release',
  'close',
  'FIN',
  'RST',
  'ERR',
] as const;
export type Action = (typeof ACTIONS)[number];

/** How long a pool that is closed there waits: less than every other deadline of what is under way. */
const CLOSE_MS = 900;

/**
 * - abort: the signal aborts, or the client leaves. What has none to abort (a lease's COMMIT) goes on.
 * - timeout: the deadline of what is under way passes: to connect or to reset, of a statement, of a KILL.
 * - release: whoever has the connection, or waits for it, wants it no more; of what was released already, once more.
 * - close: of the pool.
 * - FIN, RST, ERR: of the server.
 */
export async function act(action: Action, race: RacePool, scene: Scene): Promise<void> {
  const { who, stop, others, deadlineMs, refusal } = scene;
  switch (action) {
    case 'abort':
      return who.abort();
    case 'timeout':
      return race.clock.advance(deadlineMs);
    case 'release':
      return who.release();
    case 'double release':
      who.release();
      return who.release();
    case 'close':
      others.push(new Watched('close', race.pool.close({ timeoutMs: CLOSE_MS })));
      return;
    case 'FIN':
    case 'RST':
      return (await stop.reached).cut(action);
    case 'ERR':
      return stop.fail(refusal);
  }
}
