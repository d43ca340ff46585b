import { count, plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import { mayBeOf, ownUser } from '../names.js';
import { numberOf, type Picture, type Thread } from '../picture.js';
import { shown } from './limits.js';

const RESERVED_SHARE = 0.1;
/** Of each pool, beyond its `max`. */
const CONTROL = 1;

/** All pools together against the server's limit: processes x (max + 1 control connection). */
export function connectionBudget(picture: Picture): Finding[] {
  const {
    expectations: [{ processes, processesText }],
  } = picture;
  if (processes === undefined) return [roomFor(picture)];
  const { limit, name } = limitOf(picture);
  const { each, perProcess } = demandOf(picture);
  const wanted = processes * perProcess;
  const { others, whose } = othersIn(picture);
  const usable = Math.max(0, Math.floor(limit * (1 - RESERVED_SHARE)) - others);
  const fits = wanted <= usable;
  return [
    {
      id: 'connection-budget',
      severity: wanted > limit ? 'critical' : fits ? 'ok' : 'warning',
      title: `${plural(processes, 'process', 'processes')} may open ${count(wanted)} connections, of at most ${count(limit)}`,
      evidence: [
        ...each,
        `${processesText === String(processes) ? '' : `${processesText} = `}${count(processes)} x ${perProcess} = ${count(wanted)} ${wanted > limit ? '>' : '<='} ${name}`,
        `usable: ${count(limit)} - 10 % for others and the operator - ${count(others)} of ${whose} = ${count(usable)}`,
      ],
      change: fits ? undefined : whatFits(picture, { processes, usable, others, wanted }),
    },
  ];
}

/** Where nobody said how many processes there are. */
function roomFor(picture: Picture): Finding {
  const { limit, name } = limitOf(picture);
  const { each, perProcess } = demandOf(picture);
  const room = Math.floor(limit / perProcess);
  const pools = picture.expectations.length;
  return {
    id: 'connection-budget',
    severity: room === 0 ? 'critical' : 'info',
    title: `room for ${count(room)} ${room === 1 ? 'process' : 'processes'} with such ${pools === 1 ? 'a pool' : 'pools'}`,
    evidence: [...each, `${name} / ${perProcess} = ${room}`],
    change:
      room === 0
        ? `${maxOf(picture)} ${count(Math.max(1, limit - CONTROL * pools))} or less`
        : '--processes 20x32 says how many there are, and this becomes a verdict',
  };
}

/** What one process may open, with the arithmetic. */
function demandOf({ expectations, pools }: Picture): { each: string[]; perProcess: number } {
  const perProcess = expectations.reduce((sum, { max }) => sum + max + CONTROL, 0);
  const [only] = expectations;
  if (expectations.length === 1)
    return { each: [`${shown(only, 'max')} + 1 control connection = ${perProcess} per process`], perProcess };
  const sums = expectations.map(({ max }, at) => `${pools[at]?.name} (${max} + 1 control connection)`);
  return { each: [`${sums.join(' + ')} = ${perProcess} per process`], perProcess };
}

function maxOf({ expectations }: Picture): string {
  return expectations.length === 1 ? 'max' : 'the max of all pools of a process together';
}

interface Sums {
  readonly processes: number;
  readonly usable: number;
  readonly others: number;
  readonly wanted: number;
}

function whatFits(picture: Picture, { processes, usable, others, wanted }: Sums): string {
  const pools = picture.expectations.length;
  const fitting = Math.floor(usable / processes) - CONTROL * pools;
  // Each pool has a max of 1 or more.
  return fitting >= pools
    ? `${maxOf(picture)} ${count(fitting)}: (${count(usable)} / ${count(processes)}) - ${CONTROL * pools}, rounded down; or fewer processes`
    : `no max is small enough for ${count(processes)} processes: have fewer, or a pooling proxy in front, or max_connections above ${count(Math.ceil(wanted / (1 - RESERVED_SHARE)) + others)}`;
}

interface Limit {
  readonly limit: number;
  /** `max_connections 1,600`. */
  readonly name: string;
  readonly perAccount: boolean;
}

/** The account's own, where it is known: of the one that asks, or the server's for all accounts without one. */
function limitOf(picture: Picture): Limit {
  const { server } = picture;
  const ofServer = numberOf(server.variables, 'max_connections') ?? 0;
  const own = ownUser(picture);
  const isOurs = [...poolUsers(picture)].every((user) => user === own);
  const ofAccount = isOurs
    ? server.maxUserConnections
    : (numberOf(server.variables, 'max_user_connections') ?? 0);
  const perAccount = ofAccount > 0 && ofAccount < ofServer;
  const limit = perAccount ? ofAccount : ofServer;
  return {
    limit,
    name: `${perAccount ? 'max_user_connections' : 'max_connections'} ${count(limit)}`,
    perAccount,
  };
}

/** Connections that are not the pools', and whose they are in words. */
function othersIn(picture: Picture): { others: number; whose: string } {
  const { threads, ownId, seesAllThreads } = picture;
  if (limitOf(picture).perAccount) return { others: 0, whose: 'other users now' };
  const users = poolUsers(picture);
  const others = threads.filter(
    (thread) => thread.id !== ownId && !users.has(thread.user) && isClient(thread),
  ).length;
  if (!seesAllThreads) return { others, whose: 'other users now (not all are seen)' };
  const guessed = others > 0 && !threads.some(({ id, user }) => id !== ownId && users.has(user));
  return {
    others,
    whose: `other users now${guessed ? ` (nobody else is connected as ${[...users].join(', ')}: --pool-user says whose the pools are)` : ''}`,
  };
}

/** Whose sessions are the pools': as was said, else as the application shows, else the account that asks. */
function poolUsers(picture: Picture): ReadonlySet<string> {
  const { threads, expectations, pools } = picture;
  const [{ user }] = expectations;
  if (user !== undefined) return new Set([user]);
  const told = pools.flatMap(({ connections = [], holders, pid }) => {
    const theirs = new Set([...connections, ...holders].map(({ threadId }) => threadId));
    return threads.filter((thread) => theirs.has(thread.id) && mayBeOf(thread, pid));
  });
  return new Set(told.length > 0 ? told.map((thread) => thread.user) : [ownUser(picture) ?? '']);
}

function isClient({ user, command }: Thread): boolean {
  return user !== 'system user' && user !== 'event_scheduler' && command !== 'Daemon';
}
