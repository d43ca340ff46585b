import type { Random } from '../random.js';
import type { FaultName } from '../types.js';
import { pause } from './pause.js';
import type { Stage } from './stage.js';

/** Ends a fault. May be called again: after success it does nothing, after a failure it tries again. */
export type Heal = () => Promise<void>;

export interface Fault {
  readonly name: FaultName;
  /** It does not heal by itself. When its start fails, what was done by then is healed. */
  inject(stage: Stage, random: Random): Promise<Heal>;
}

export interface Definition {
  name: FaultName;
  /** `during` is for what goes on until the fault is healed. */
  start(stage: Stage, random: Random, during: Repeater): Promise<void> | void;
  /** Makes good whatever `start` can have done, all of it or a part. Running it twice does no harm. */
  heal(stage: Stage): Promise<void> | void;
}

export function fault({ name, start, heal }: Definition): Fault {
  const inject = async (stage: Stage, random: Random): Promise<Heal> => {
    const repeater = new Repeater(stage.onError);
    let isHealed = false;
    const healOnce = async () => {
      if (isHealed) return;
      await repeater.stop();
      await heal(stage);
      isHealed = true;
    };
    try {
      await start(stage, random, repeater);
    } catch (error) {
      await healOnce().catch((failure) => {
        throw new AggregateError([error, failure], `${name} failed to start, and then to heal`);
      });
      throw error;
    }
    return healOnce;
  };
  return { name, inject };
}

/** Does something again and again, one after the other. */
export class Repeater {
  readonly #onError: (error: unknown) => void;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** @param everyMs the pause before the next time */
  repeat(everyMs: () => number, work: () => Promise<void> | void): void {
    this.#running.push(this.#loop(everyMs, work));
  }

  /** Resolves earlier when the fault is healed. */
  pause(ms: number): Promise<void> {
    return pause(ms, this.#stopped.signal);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running);
  }

  async #loop(everyMs: () => number, work: () => Promise<void> | void): Promise<void> {
    for (;;) {
      await this.pause(everyMs());
      if (this.#stopped.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
