import type { Clock } from './clock.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import type { PoolEvents } from './events.js';
import type { PoolSettings } from './options.js';
import type { Slots } from './slots.js';

export interface ResetterParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
}

export interface ResetterHooks {
  onClean(entry: Entry): void;
  onFailed(entry: Entry, detail: string, cause?: Error): void;
}

/** Clears sessions between two holders, with a deadline of its own: a reset has no timeout in the driver. */
export class Resetter {
  readonly #parts: ResetterParts;
  readonly #hooks: ResetterHooks;

  constructor(parts: ResetterParts, hooks: ResetterHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** COM_RESET_CONNECTION rolls back by itself; what else it takes is the driver's business. */
  reset(entry: Entry, reason: string): void {
    const { settings, clock, events, slots } = this.#parts;
    const { connection, session } = entry;
    const begun = clock.now();
    slots.move(entry, 'resetting');
    const timer = clock.after(settings.connectTimeoutMs, () => {
      if (entry.state !== 'resetting') return;
      const detail = `the reset was not answered within ${settings.connectTimeoutMs} ms`;
      this.#hooks.onFailed(entry, detail, new HandbackError('CONNECTION_LOST', detail));
    });
    const restoreSchema = session.dirty !== null || session.schemaChanged;
    connection?.reset({ restoreSchema, checkRole: session.opaque }, (error) => {
      timer.cancel();
      if (entry.state !== 'resetting') return;
      if (error) return this.#hooks.onFailed(entry, error.message);
      session.wasReset();
      if (events.heard('reset')) {
        events.tell('reset', { connection: entry.id, reason, durationMs: clock.now() - begun });
      }
      this.#hooks.onClean(entry);
    });
  }
}
