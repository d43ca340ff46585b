import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { duration } from '../durations.js';
import type { ApplicationPool } from './application.js';
import type { Picture, Thread } from './picture.js';
import { canonicalAddress } from './sockets/proc-net.js';
import type { Process } from './sockets/processes.js';

export function nameOfProcess({ name, script, pid }: Process): string {
  return `${name}${script === undefined ? '' : ` ${script}`} (pid ${pid})`;
}

/** Which application a session is of: what it said of itself, else whose socket it is, on this host. */
export function applicationOf(thread: Thread, { sockets }: Pick<Picture, 'sockets'>): string | undefined {
  const { program, pid, pool, port } = thread;
  if (program !== undefined) {
    const details = [pid === undefined ? '' : `pid ${pid}`, pool === undefined ? '' : `pool ${pool}`];
    const told = details.filter((detail) => detail !== '').join(', ');
    return told === '' ? program : `${program} (${told})`;
  }
  const ends = port === undefined ? undefined : sockets?.ends.get(port);
  const end = ends?.find(({ address }) => isThisHost(thread.host, address));
  return end && nameOfProcess(end.process);
}

/** Another host may use the same port. The server knows hosts by address, or, where it looks up names, by name. */
function isThisHost(host: string, address: string): boolean {
  if (isIP(host) !== 0) return canonicalAddress(host) === address;
  if (host === 'localhost') return address === '127.0.0.1' || address === '::1';
  const [own, named] = [hostname().toLowerCase(), host.toLowerCase()];
  return named === own || named.startsWith(`${own}.`);
}

/** As the server's list has it: the account may have another name, or none (`''@'%'`). */
export function ownUser({ threads, ownId }: Pick<Picture, 'threads' | 'ownId'>): string | undefined {
  return threads.find(({ id }) => id === ownId)?.user;
}

/** `#7 shop@10.0.0.5:50364, schema shop, program api.js (pid 12), asleep for 3 h, GET /users` */
export function describeThread(thread: Thread, picture: Pick<Picture, 'sockets' | 'pools'>): string {
  const { id, user, host, port, database, command, ageMs, statement } = thread;
  const application = applicationOf(thread, picture);
  const doing = command === 'Sleep' ? 'asleep' : command;
  return [
    `#${id} ${user}@${host}${port === undefined ? '' : `:${port}`}`,
    database === undefined ? '' : `schema ${database}`,
    application === undefined ? '' : `program ${application}`,
    `${doing} for ${duration(ageMs)}`,
    inTheApplication(thread, picture.pools),
    statement ?? '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** What the pool whose connection it is says of it; '' = none of those that told. */
function inTheApplication(thread: Thread, pools: readonly ApplicationPool[]): string {
  for (const { name, holders, connections = [], pid } of pools) {
    if (!mayBeOf(thread, pid)) continue;
    const holder = holders.find(({ threadId }) => threadId === thread.id);
    if (holder) return `held by ${holder.route} for ${duration(holder.ageMs)}`;
    const connection = connections.find(({ threadId }) => threadId === thread.id);
    if (connection) return `${connection.state} in the pool ${name}`;
  }
  return '';
}

/** A number alone may be that of a session on another server: where the server knows the process too, it must fit. */
export function mayBeOf(thread: Thread, pid: number | undefined): boolean {
  return pid === undefined || thread.pid === undefined || pid === thread.pid;
}

/** A thread that has ended between two questions. */
export function describeId(id: number, picture: Pick<Picture, 'threads' | 'sockets' | 'pools'>): string {
  const thread = picture.threads.find((candidate) => candidate.id === id);
  return thread ? describeThread(thread, picture) : `#${id}`;
}

const SHOWN = 10;

/** A line for each of the first of a long list, and how many more there are. */
export function firstOf<T>(items: readonly T[], describe: (item: T) => string): string[] {
  const lines = items.slice(0, SHOWN).map(describe);
  const more = items.length - lines.length;
  return more > 0 ? [...lines, `… and ${more} more`] : lines;
}
