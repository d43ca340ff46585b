import { isTraced, type ResetTrace, traceBegins, traceEnds } from './channels.js';
import { type Clock, type Timer, whenSilent } from './clock.js';
import type { DriverConnection } from './driver.js';
import type { Entry } from './entry.js';
import { HandbackError } from './errors.js';
import type { LeaseFacts, PoolEvents } from './events.js';
import type { Initializer } from './initializer.js';
import type { PoolSettings } from './options.js';
import type { Slots } from './slots.js';
import { Call } from './statement.js';

export interface ResetterParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly initializer: Initializer;
}

export interface ResetterHooks {
  onClean(entry: Entry): void;
  onFailed(entry: Entry, detail: string, cause?: Error): void;
}

/** `how`: all of the session (which rolls back by itself), or its transaction alone. */
export interface Cleaning {
  readonly how: 'reset' | 'rollback';
  readonly why: string;
}

/** Clears sessions between two holders, with a deadline of its own: a reset has no timeout in the driver. */
export class Resetter {
  readonly #parts: ResetterParts;
  readonly #hooks: ResetterHooks;

  constructor(parts: ResetterParts, hooks: ResetterHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  /** `whose`: the lease that has left it like that. */
  clean(entry: Entry, { how, why }: Cleaning, whose: LeaseFacts | null): void {
    const { connection } = entry;
    this.#parts.slots.move(entry, 'resetting');
    const timer = this.#deadline(entry);
    if (!connection) return;
    const begun = this.#parts.clock.now();
    const message = { pool: this.#parts.settings.name, connection: entry.id, how, reason: why };
    const work = traced({ ...message, ...(whose ? { holder: whose } : {}) }, () =>
      how === 'reset' ? this.#reset(entry, connection) : this.#rollBack(entry, connection),
    );
    work.then(
      () => {
        timer.cancel();
        if (entry.state === 'resetting') this.#cleaned(entry, why, begun);
      },
      (error: Error) => {
        timer.cancel();
        if (entry.state === 'resetting') this.#hooks.onFailed(entry, error.message);
      },
    );
  }

  #deadline(entry: Entry): Timer {
    const { clock, settings } = this.#parts;
    return whenSilent(clock, settings.resetTimeoutMs, () => {
      if (entry.state !== 'resetting') return;
      const detail = `the reset was not answered within ${settings.resetTimeoutMs} ms`;
      this.#hooks.onFailed(entry, detail, new HandbackError('CONNECTION_LOST', detail));
    });
  }

  async #reset({ session }: Entry, connection: DriverConnection): Promise<void> {
    const { initializer } = this.#parts;
    const options = {
      restoreSchema: session.changes.dirty !== null || session.changes.schemaChanged,
      checkSurvivors: session.changes.opaque,
      rollBackFirst: session.changes.opaque && session.needsRollback !== null,
      replay: initializer.replayOn(connection),
    };
    await new Promise<void>((resolve, reject) => {
      connection.reset(options, (error) => (error ? reject(error) : resolve()));
    });
    session.wasReset();
    // Nobody waits for this one, so it is the one to look around.
    await initializer.surveyIfDue(connection);
  }

  async #rollBack({ session }: Entry, connection: DriverConnection): Promise<void> {
    const run = (sql: string) => {
      const call = new Call(false, sql, undefined);
      connection.run(call);
      return call.promise;
    };
    await run('ROLLBACK');
    const { changedAutocommit } = session;
    // Off, it would undo what the next holder writes.
    if (changedAutocommit !== null) await run(`SET autocommit = ${Number(changedAutocommit)}`);
    session.wasRolledBack();
  }

  #cleaned(entry: Entry, reason: string, begun: number): void {
    const { clock, events } = this.#parts;
    if (events.heard('reset')) {
      const durationMs = clock.now() - begun;
      events.tell('reset', { connection: entry.id, ...entry.facts, reason, durationMs });
    }
    this.#hooks.onClean(entry);
  }
}

/** The same work, of which whoever traces those is told. */
function traced(message: ResetTrace, work: () => Promise<void>): Promise<void> {
  if (!isTraced('reset')) return work();
  const begun = traceBegins('reset', message, work);
  begun.then(
    () => traceEnds('reset', message),
    (error) => traceEnds('reset', message, error),
  );
  return begun;
}
