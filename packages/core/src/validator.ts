import { type Clock, whenSilent } from './clock.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import type { PoolSettings } from './options.js';
import type { Slots } from './slots.js';

export interface ValidatorParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly slots: Slots;
}

export interface ValidatorHooks {
  onAlive(entry: Entry): void;
  onDead(entry: Entry, detail: string, cause?: Error): void;
}

/** Finds out whether idle connections live, before they are handed out. */
export class Validator {
  readonly #parts: ValidatorParts;
  readonly #hooks: ValidatorHooks;

  constructor(parts: ValidatorParts, hooks: ValidatorHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  validate(entry: Entry, how: 'ask' | 'look'): void {
    this.#parts.slots.move(entry, 'validating');
    if (how === 'ask') this.#ask(entry);
    else this.#look(entry);
  }

  /** A ping has no timeout in the driver. */
  #ask(entry: Entry): void {
    const { clock, settings } = this.#parts;
    const { validateTimeoutMs } = settings;
    const timer = whenSilent(clock, validateTimeoutMs, () => {
      const detail = `it did not answer a ping within ${validateTimeoutMs} ms`;
      this.#dead(entry, detail, new HandbackError('CONNECTION_LOST', detail));
    });
    entry.connection?.ping((error) => {
      timer.cancel();
      if (error) this.#dead(entry, `the ping failed: ${error.message}`);
      else this.#alive(entry);
    });
  }

  /** One turn of the event loop reads the end of a socket, the next tells of it. */
  #look(entry: Entry): void {
    const { clock } = this.#parts;
    clock.soon(() =>
      clock.soon(() => {
        if (entry.connection?.isUsable()) this.#alive(entry);
        else this.#dead(entry, 'the connection is gone');
      }),
    );
  }

  #alive(entry: Entry): void {
    if (entry.state !== 'validating') return;
    entry.provenAt = this.#parts.clock.now();
    entry.checked = true;
    this.#hooks.onAlive(entry);
  }

  #dead(entry: Entry, detail: string, cause?: Error): void {
    if (entry.state === 'validating') this.#hooks.onDead(entry, detail, cause);
  }
}
