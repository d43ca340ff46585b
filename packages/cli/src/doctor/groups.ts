import { applicationOf } from './names.js';
import type { Picture, Thread } from './picture.js';

/** Connections that have user, host, program and what they do in common. */
export interface Group {
  readonly user: string;
  readonly host: string;
  /** Undefined where it is not known. */
  readonly program: string | undefined;
  /** `Sleep`, `Query`, … */
  readonly command: string;
  readonly count: number;
  /** How long the oldest of them has been in it. */
  readonly oldestMs: number;
}

/** The largest first. */
export function groupsOf(picture: Pick<Picture, 'threads' | 'sockets'>): Group[] {
  const groups = new Map<string, Group>();
  for (const thread of picture.threads) {
    const one = groupOf(thread, picture);
    const key = JSON.stringify([one.user, one.host, one.program, one.command]);
    const known = groups.get(key);
    const count = (known?.count ?? 0) + 1;
    groups.set(key, { ...one, count, oldestMs: Math.max(known?.oldestMs ?? 0, one.oldestMs) });
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count || b.oldestMs - a.oldestMs);
}

function groupOf(thread: Thread, picture: Pick<Picture, 'sockets'>): Group {
  const { user, host, command, ageMs } = thread;
  return {
    user,
    host,
    program: applicationOf(thread, picture),
    command,
    count: 1,
    oldestMs: Math.round(ageMs),
  };
}
