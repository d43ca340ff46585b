import type { Entry } from './entry.js';
import type { HolderReport, PoolReport } from './errors.js';
import { holderFacts } from './lease-facts.js';
import { maskValues } from './mask.js';
import type { PoolSettings } from './options.js';
import { lineage, type Owner } from './owner.js';
import type { Slots } from './slots.js';
import type { State } from './states.js';

const SHOWN_HOLDERS = 10;

/** `asking` = who has waited until now. */
function isWaiting(owner: Owner | undefined, asking: Owner | undefined): boolean {
  return owner !== undefined && (owner.waiting > 0 || lineage(asking).includes(owner));
}

export function holderReport(entry: Entry, now: number, asking?: Owner): HolderReport {
  const { holder, holding, heldSince, threadId } = entry;
  const statement = lastStatement(entry);
  return {
    ...holderFacts(holder),
    ageMs: holder ? Math.round(now - heldSince) : 0,
    statement: statement === undefined ? undefined : maskValues(statement),
    statements: holding?.statements ?? 0,
    sinceStatementMs: holding && holding.statements > 0 ? Math.round(now - holding.lastActiveAt) : undefined,
    threadId,
    ...(holder?.site ? { stack: holder.site.frames } : {}),
    ...(isWaiting(holder?.owner, asking) ? { waiting: true } : {}),
  };
}

/** The holder's: before they use it, what the session knows of is the one's before them. */
function lastStatement({ holding, session }: Entry): string | undefined {
  return holding ? session.lastStatement : undefined;
}

/** Who holds the pool's connections, the oldest first. */
export function holders(slots: Slots, now: number, asking?: Owner): HolderReport[] {
  const held = [...slots.all].filter((entry) => entry.holder !== null);
  return held.map((entry) => holderReport(entry, now, asking)).sort((a, b) => b.ageMs - a.ageMs);
}

/** One of the pool's connections, for whoever looks at the server's threads. */
export interface ConnectionReport {
  /** As in events, which know nothing of the control connection. */
  readonly id: number | undefined;
  /** The server's thread id (`CONNECTION_ID()`); undefined while it is being opened. */
  readonly threadId: number | undefined;
  /** `control`: the one beyond `max` from which statements are killed. */
  readonly state: State | 'control';
}

/** All that the pool has, in the order in which they were opened; its control connection, while it is open, at the end. */
export function connections(slots: Slots, control: number | undefined): ConnectionReport[] {
  const all: ConnectionReport[] = [...slots.all].map(({ id, threadId, state }) => ({ id, threadId, state }));
  if (control !== undefined) all.push({ id: undefined, threadId: control, state: 'control' });
  return all;
}

export interface ReportFacts {
  readonly settings: PoolSettings;
  readonly slots: Slots;
  readonly now: number;
  /** Who was refused, where that is known. */
  readonly owner: Owner | undefined;
  readonly waitedMs: number;
  readonly timeoutMs: number;
  readonly pending: number;
  /** Hand-overs a second to those who waited; 0 = not known. */
  readonly rate: number;
  readonly lastConnectError: Error | null;
  /** Who holds connections, where that has just been looked up. */
  readonly held?: HolderReport[] | undefined;
}

export function poolReport(facts: ReportFacts): PoolReport {
  const { settings, slots, now, lastConnectError } = facts;
  return {
    pool: settings.name,
    waitedMs: Math.round(facts.waitedMs),
    timeoutMs: facts.timeoutMs,
    max: settings.max,
    maxIdle: settings.maxIdle,
    leased: slots.counts.leased,
    idle: slots.counts.idle,
    opening: slots.counts.opening,
    pending: facts.pending,
    ...(facts.rate > 0 ? { servedPerSecond: Math.round(facts.rate) } : {}),
    holders: (facts.held ?? holders(slots, now, facts.owner)).slice(0, SHOWN_HOLDERS),
    lastConnectError: lastConnectError?.message,
  };
}

export function describeHolder({ route, ageMs, statement, waiting }: HolderReport): string {
  const last = statement === undefined ? '' : ` (${statement})`;
  return `${route} for ${ageMs} ms${last}${waiting ? ', while it waits for another one' : ''}`;
}

/** One line for the operator's log. */
export function describe(report: PoolReport): string {
  const { pool, waitedMs, timeoutMs, max, maxIdle, leased, idle, opening, pending, lastConnectError } =
    report;
  const sizes = `max ${max}, maxIdle ${maxIdle}, leased ${leased}, idle ${idle}, opening ${opening}`;
  const { servedPerSecond } = report;
  const rate = servedPerSecond === undefined ? '' : `, served ${servedPerSecond} a second`;
  const facts = `waited ${waitedMs} ms; ${sizes}, pending ${pending}${rate}, timeout ${timeoutMs} ms`;
  const who = report.holders.map(describeHolder);
  const held = who.length === 0 ? 'nobody holds a connection' : `held by ${who.join(', ')}`;
  const cause = lastConnectError === undefined ? '' : `; last attempt to connect: ${lastConnectError}`;
  return `pool '${pool}': ${facts}; ${held}${cause}`;
}
