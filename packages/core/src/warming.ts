import { HandbackError } from './errors.js';
import type { Pool } from './pool.js';

/**
 * Resolves when the pool has its `minIdle` connections. The pool opens them by itself: this only watches.
 *
 * @throws {HandbackError} OPEN_FAILED, with the last failure to open as its cause, at the acquire deadline; POOL_CLOSED
 */
export function warmed(pool: Pool): Promise<void> {
  const { minIdle, acquireTimeoutMs, connectTimeoutMs } = pool.settings;
  return new Promise((resolve, reject) => {
    let cause: Error | undefined;
    const look = () => {
      const { idle, leased, validating, draining, resetting } = pool.stats();
      if (idle + leased + validating + draining + resetting >= minIdle) settle(resolve);
    };
    // Told just before the connection becomes idle.
    const opened = () => queueMicrotask(look);
    const failed = ({ error }: { error: Error }) => {
      cause = error;
    };
    const closed = () =>
      settle(() => reject(new HandbackError('POOL_CLOSED', 'The database pool is closed.')));
    const settle = (done: () => void) => {
      timer.cancel();
      pool.watchers.delete(closed);
      pool.events.off('open', opened);
      pool.events.off('openFailed', failed);
      done();
    };
    // 0: not to queue for what others hold; what is opened takes its time.
    const withinMs = acquireTimeoutMs || connectTimeoutMs;
    const timer = pool.clock.after(withinMs, () => settle(() => reject(notWarm(cause))), true);
    pool.watchers.add(closed);
    if (pool.closing) return closed();
    pool.events.on('open', opened);
    pool.events.on('openFailed', failed);
    look();
  });
}

function notWarm(cause: Error | undefined): HandbackError {
  return new HandbackError(
    'OPEN_FAILED',
    'The connections that minIdle asks for could not be opened in time.',
    { cause },
  );
}
