import { HandbackError } from './errors.js';
import type { Pool } from './pool.js';

/**
 * Resolves when the pool has its `minIdle` connections. The pool opens them by itself: this only watches.
 *
 * @throws {HandbackError} OPEN_FAILED, with the last failure to open as its cause, at the acquire deadline
 */
export function warmed(pool: Pool): Promise<void> {
  const { minIdle, acquireTimeoutMs } = pool.settings;
  return new Promise((resolve, reject) => {
    let cause: Error | undefined;
    const look = () => {
      const { idle, leased } = pool.stats();
      if (idle + leased >= minIdle) settle(resolve);
    };
    // Told just before the connection becomes idle.
    const opened = () => queueMicrotask(look);
    const failed = ({ error }: { error: Error }) => {
      cause = error;
    };
    const settle = (done: () => void) => {
      timer?.cancel();
      pool.events.off('open', opened);
      pool.events.off('openFailed', failed);
      done();
    };
    const timer =
      acquireTimeoutMs === Number.POSITIVE_INFINITY
        ? undefined
        : pool.clock.after(acquireTimeoutMs, () => settle(() => reject(notWarm(cause))), true);
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
