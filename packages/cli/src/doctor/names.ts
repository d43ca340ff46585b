import { duration } from '../durations.js';
import type { Picture, Thread } from './picture.js';
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
  const owner = sockets?.processes.find(({ ports }) => port !== undefined && ports.includes(port));
  return owner?.process && nameOfProcess(owner.process);
}

/** `#7 shop@10.0.0.5:50364, schema shop, program api.js (pid 12), asleep for 3 h, GET /users` */
export function describeThread(thread: Thread, picture: Pick<Picture, 'sockets' | 'pools'>): string {
  const { id, user, host, port, database, command, ageMs, statement } = thread;
  const application = applicationOf(thread, picture);
  const holder = picture.pools.flatMap(({ holders }) => holders).find(({ threadId }) => threadId === id);
  const doing = command === 'Sleep' ? 'asleep' : command;
  return [
    `#${id} ${user}@${host}${port === undefined ? '' : `:${port}`}`,
    database === undefined ? '' : `schema ${database}`,
    application === undefined ? '' : `program ${application}`,
    `${doing} for ${duration(ageMs)}`,
    holder === undefined ? '' : `held by ${holder.route} for ${duration(holder.ageMs)}`,
    statement ?? '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** A thread that has ended between two questions. */
export function describeId(id: number, picture: Pick<Picture, 'threads' | 'sockets' | 'pools'>): string {
  const thread = picture.threads.find((candidate) => candidate.id === id);
  return thread ? describeThread(thread, picture) : `#${id}`;
}

const SHOWN = 10;

/** The first of a long list, and how many more there are. */
export function firstOf(lines: readonly string[], shown = SHOWN): string[] {
  const more = lines.length - shown;
  return more > 0 ? [...lines.slice(0, shown), `… and ${more} more`] : [...lines];
}
