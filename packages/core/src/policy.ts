import type { Entry } from './entry.js';
import type { ErrorCode } from './errors.js';
import type { PoolSettings } from './options.js';
import type { EvictReason } from './states.js';

/** Pure verdicts, each with its reason in words. Nothing here changes anything. */
export type Verdict =
  | { readonly keep: true }
  | { readonly keep: false; readonly reason: EvictReason; readonly detail: string };

export type ReturnVerdict =
  | { readonly act: 'keep' }
  /** `how`: all of the session, or its transaction alone. */
  | { readonly act: 'reset'; readonly how: 'reset' | 'rollback'; readonly why: string }
  | Eviction;
export interface Eviction {
  readonly act: 'evict';
  readonly reason: EvictReason;
  readonly detail: string;
}

const KEEP: Verdict = { keep: true };
const STRAIGHT_BACK: ReturnVerdict = { act: 'keep' };

function evict(reason: EvictReason, detail: string): Eviction {
  return { act: 'evict', reason, detail };
}

/** How much the pool believes of what it knew of its connections. */
export interface Trust {
  /** Entries of an earlier generation are not used again. */
  readonly generation: number;
  /** What gave no sign of life since then is asked first. */
  readonly distrustedAt: number;
}

/** What decides whether an entry is too old. */
export interface Ageing {
  readonly now: number;
  /** A connection is being opened or closed, or one was replaced for its age just now. */
  readonly changing: boolean;
}

/** How things stand in the pool. */
export interface Circumstances extends Ageing {
  readonly closing: boolean;
  /** Nobody waits and `maxIdle` others are idle. */
  readonly surplus: boolean;
  /** There are more connections than `max` allows: it was made smaller. */
  readonly overMax: boolean;
  readonly trust: Trust;
}

/** May this idle entry stay, as far as age goes? `idleLimitMs` is what the server allows. */
export function mayStayIdle(
  entry: Entry,
  { idleTimeoutMs }: PoolSettings,
  limits: Ageing & { readonly surplus: number; readonly idleLimitMs: number },
): Verdict {
  const { now } = limits;
  if (isTooOld(entry, limits))
    return { keep: false, reason: 'lifetime', detail: 'it has passed maxLifetimeMs' };
  if (now - entry.provenAt >= limits.idleLimitMs)
    return {
      keep: false,
      reason: 'idle',
      detail: "it was unused for as long as the server's wait_timeout allows",
    };
  const idleFor = now - entry.idleSince;
  if (idleTimeoutMs > 0 && idleFor >= idleTimeoutMs && limits.surplus > 0) {
    return { keep: false, reason: 'idle', detail: 'it was unused for idleTimeoutMs' };
  }
  return KEEP;
}

/** A lifetime may end early by up to this part of it, so that connections born together don't die together. */
export const LIFETIME_JITTER = 0.1;

/** Apart by as much, all connections can be replaced within half of that part of their lifetime. */
export function lifetimeSpacingMs({ maxLifetimeMs, max }: PoolSettings): number {
  return (maxLifetimeMs * LIFETIME_JITTER) / (2 * max);
}

/**
 * One whose lifetime is nearly over goes unless another is being replaced (`changing`), so that those that were opened
 * together don't go together; at its end it goes in any case.
 */
function isTooOld({ expiresAt, outlivedAt }: Entry, ageing: Ageing): boolean {
  const { now } = ageing;
  return now >= expiresAt && (now >= outlivedAt || !ageing.changing);
}

/** May this idle entry be handed out now? */
export function mayUse(entry: Entry, circumstances: Circumstances): Verdict {
  const { connection } = entry;
  if (!connection?.isUsable()) return { keep: false, reason: 'broken', detail: 'the connection is gone' };
  if (connection.isBusy()) return { keep: false, reason: 'broken', detail: 'the connection is still busy' };
  if (entry.generation < circumstances.trust.generation)
    return { keep: false, reason: 'stale', detail: 'the pool was renewed after it was opened' };
  if (isTooOld(entry, circumstances))
    return { keep: false, reason: 'lifetime', detail: 'it has passed maxLifetimeMs' };
  return KEEP;
}

/**
 * What has to be done before this usable entry is handed out? 'ask' = a ping; 'look' = two turns of the event loop, in
 * which the end of a socket shows that arrived while the process was busy.
 */
export function howToValidate(
  entry: Entry,
  now: number,
  settings: PoolSettings,
  trust: Trust,
): 'ask' | 'look' | null {
  if (now < provenUntil(entry, settings, trust)) return null;
  return settings.validate === 'never' ? 'look' : 'ask';
}

/** Until when it may be handed out unasked, if nothing happens meanwhile; -Infinity = it has to be asked in any case. */
export function provenUntil(
  { provenAt, checked }: Pick<Entry, 'provenAt' | 'checked'>,
  { validate, validateAfterMs }: PoolSettings,
  { distrustedAt }: Trust,
): number {
  if (provenAt < distrustedAt) return Number.NEGATIVE_INFINITY;
  if (checked) return provenAt + Math.max(validateAfterMs, CHECK_HOLDS_MS);
  return validate === 'always' ? Number.NEGATIVE_INFINITY : provenAt + validateAfterMs;
}

/** For how long an entry that was just opened or asked counts as proven, whatever the options say. */
const CHECK_HOLDS_MS = 500;

/** What happens to an entry that comes back and is no longer busy? */
export function mayKeep(entry: Entry, circumstances: Circumstances, settings: PoolSettings): ReturnVerdict {
  return (
    whyBroken(entry) ??
    whyTakenAway(entry) ??
    whyNotWanted(entry, circumstances) ??
    whySpoilt(entry, settings) ??
    whySurplus(circumstances) ??
    howToClean(entry, settings)
  );
}

/**
 * Must an entry go that comes back as it was handed out? Nothing was sent on it: its session is what it was then, and should
 * its connection have ended without a word, that shows before it is used.
 */
export function whyNotBack(entry: Entry, circumstances: Circumstances): Eviction | null {
  const { unusable } = entry.session;
  if (unusable !== null) return evict('broken', unusable);
  return whyNotWanted(entry, circumstances) ?? whySurplus(circumstances);
}

function whyBroken({ connection, session }: Entry): Eviction | null {
  if (!connection?.isUsable()) return evict('broken', session.unusable ?? 'the connection is gone');
  return session.unusable ? evict('broken', session.unusable) : null;
}

function whyTakenAway({ heldTooLong, session }: Entry): Eviction | null {
  if (heldTooLong) return evict('maxHold', 'it was held for longer than maxHoldMs');
  return session.exposed ? evict('exposed', 'its raw connection was handed out') : null;
}

function whyNotWanted(entry: Entry, circumstances: Circumstances): Eviction | null {
  if (circumstances.closing) return evict('pool-closed', 'the pool is closing');
  if (isTooOld(entry, circumstances)) return evict('lifetime', 'it has passed maxLifetimeMs');
  if (entry.generation < circumstances.trust.generation)
    return evict('stale', 'the pool was renewed after it was opened');
  return circumstances.overMax ? evict('resized', 'there are more connections than max') : null;
}

function whySpoilt({ connection, session }: Entry, { maxUses }: PoolSettings): Eviction | null {
  if (maxUses > 0 && session.uses >= maxUses) return evict('uses', 'it has run maxUses statements');
  // A reset would heal the server's side only; see docs/decisions.md on the injection that this leaves open.
  if (connection?.charsetChanged()) return evict('charset', 'its character set was changed');
  const { unresettable, roleChanged, schemaChanged } = session.changes;
  if (unresettable) return evict('unresettable', unresettable);
  if (roleChanged) return evict('role', 'its role was changed');
  return schemaChanged && !connection?.hasSchema
    ? evict('schema', 'its default schema was changed and none is configured')
    : null;
}

function whySurplus({ surplus }: Circumstances): Eviction | null {
  return surplus ? evict('maxIdle', 'maxIdle connections are idle already') : null;
}

function howToClean({ session }: Entry, { reset }: PoolSettings): ReturnVerdict {
  if (reset === 'rollback') {
    const why = session.needsRollback;
    return why === null ? STRAIGHT_BACK : { act: 'reset', how: 'rollback', why };
  }
  const why = session.needsReset ?? (reset === 'always' && session.isUsed ? 'it was used' : null);
  return why === null ? STRAIGHT_BACK : { act: 'reset', how: 'reset', why };
}

export interface Demand {
  readonly pending: number;
  readonly opening: number;
  readonly idle: number;
  /** Will be idle within a round trip or two, sooner than a new one would be: `resetting` and `validating`. */
  readonly coming: number;
  readonly size: number;
  /** Recent attempts failed, or all connections were lost: one at a time until one succeeds. */
  readonly doubtful: boolean;
}

/** How many connections should be opened now? */
export function opensWanted(demand: Demand, settings: PoolSettings): number {
  const coming = demand.opening + demand.coming;
  const forWaiters = demand.pending - coming;
  const forMinimum = settings.minIdle - demand.idle - coming;
  const wanted = Math.max(forWaiters, forMinimum);
  const room = settings.max - demand.size;
  const atOnce = (demand.doubtful ? 1 : settings.maxOpening) - demand.opening;
  return Math.max(0, Math.min(wanted, room, atOnce));
}

/** Why an acquire was refused. */
export type Refusal = Extract<
  ErrorCode,
  'ACQUIRE_TIMEOUT' | 'QUEUE_FULL' | 'OVERLOADED' | 'OPEN_FAILED' | 'POOL_CLOSED' | 'DOUBLE_ACQUIRE'
>;

export interface Crowd {
  readonly closing: boolean;
  /** The last attempt to open failed for good, and the next is not due. */
  readonly hopeless: boolean;
  /** The last attempt to open failed, and the next is not due. */
  readonly backingOff: boolean;
  /** Connections that exist and are not on their way out. */
  readonly live: number;
  /** Those that can't serve anybody until their holder, or the server, lets go of them. */
  readonly busy: number;
  readonly pending: number;
}

/** Why must an acquire that can't be served at once not wait? null = it may. */
export function mayWait(timeoutMs: number, crowd: Crowd, settings: PoolSettings): Refusal | null {
  if (crowd.closing) return 'POOL_CLOSED';
  if (crowd.hopeless && crowd.live === 0) return 'OPEN_FAILED';
  // What is ready within a moment, or may be opened, less those who already wait for it.
  const spare = Math.max(0, settings.max - crowd.busy) - crowd.pending;
  if (timeoutMs === 0 && spare <= 0) return 'ACQUIRE_TIMEOUT';
  if (timeoutMs === 0 && crowd.backingOff) return 'OPEN_FAILED';
  return spare <= -settings.maxPending ? 'QUEUE_FULL' : null;
}

/**
 * May the acquire be overtaken under overload, and refused early? Of a request that has not had a connection yet, since
 * nothing is lost with it; not where somebody has said that it waits for ever, or not at all.
 */
export function isSheddable(timeoutMs: number, { queue }: PoolSettings): boolean {
  return queue === 'adaptive' && timeoutMs > 0 && timeoutMs < Number.POSITIVE_INFINITY;
}
