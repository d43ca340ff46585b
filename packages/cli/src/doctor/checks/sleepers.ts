import { count, duration, plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import { describeThread, firstOf } from '../names.js';
import type { Picture } from '../picture.js';

/** Connections that nobody uses and nobody closes, and whose they are. */
export function sleepers(picture: Picture): Finding[] {
  const {
    threads,
    expectations: [expected],
    server,
    ownId,
  } = picture;
  const asleep = threads
    .filter(({ command, id }) => command === 'Sleep' && id !== ownId)
    .toSorted((a, b) => b.ageMs - a.ageMs);
  const long = asleep.filter(({ ageMs }) => ageMs >= expected.sleepAfterMs);
  const [oldest] = asleep;
  if (!oldest) return [{ id: 'sleepers', severity: 'ok', title: 'nobody sleeps', evidence: [] }];
  const found = long.length > 0;
  return [
    {
      id: 'sleepers',
      severity: found ? 'warning' : 'ok',
      title: found
        ? `${plural(long.length, 'connection')} asleep for ${duration(expected.sleepAfterMs)} or longer, of ${count(asleep.length)} asleep`
        : `${plural(asleep.length, 'connection')} asleep, the longest for ${duration(oldest.ageMs)}`,
      evidence: found
        ? firstOf(long, (thread) => describeThread(thread, picture))
        : [describeThread(oldest, picture)],
      change: found
        ? `close the session at the end of each request or job there, or give its pool an idle timeout; wait_timeout ${server.variables.get('wait_timeout')} s closes them at last`
        : undefined,
    },
  ];
}
