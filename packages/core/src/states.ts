/** What an entry (the pool's record of one connection) can be doing. One word, one meaning: see docs/pool.md. */
export type State =
  | 'opening'
  | 'idle'
  | 'validating'
  | 'leased'
  | 'draining'
  | 'resetting'
  | 'closing'
  | 'ghost'
  | 'closed';

/**
 * The legal moves. `ghost` is a connection whose socket is gone while the server's thread may still run; it
 * counts against `max` until the server says that the thread is gone.
 */
export const LEGAL_MOVES: Readonly<Record<State, readonly State[]>> = {
  opening: ['idle', 'leased', 'closing'],
  idle: ['validating', 'leased', 'closing'],
  validating: ['leased', 'idle', 'closing'],
  leased: ['idle', 'resetting', 'draining', 'closing'],
  draining: ['resetting', 'idle', 'closing'],
  resetting: ['idle', 'leased', 'closing'],
  closing: ['ghost', 'closed'],
  ghost: ['closed'],
  closed: [],
};

/** Whether {@link LEGAL_MOVES} says so. The way out and the way in of every lease are known without looking it up. */
export function isLegalMove(from: State, to: State): boolean {
  if (to === 'leased' && from === 'idle') return IS_LENT;
  if (to === 'idle' && from === 'leased') return IS_TAKEN_BACK;
  return LEGAL_MOVES[from].includes(to);
}

const IS_LENT = LEGAL_MOVES.idle.includes('leased');
const IS_TAKEN_BACK = LEGAL_MOVES.leased.includes('idle');

/** Why the pool stopped using a connection. */
export type EvictReason =
  | 'idle'
  | 'lifetime'
  | 'uses'
  | 'maxIdle'
  | 'resized'
  | 'broken'
  | 'validation'
  | 'distrusted'
  | 'stale'
  | 'charset'
  | 'schema'
  | 'role'
  | 'unresettable'
  | 'exposed'
  | 'reset-failed'
  | 'undrained'
  | 'maxHold'
  | 'pool-closed';
