import { Random } from '../random.js';
import type { FaultName } from '../types.js';
import { catalogue } from './catalogue.js';
import type { Fault, Heal } from './fault.js';
import { pause } from './pause.js';
import { areCompatible } from './rules.js';
import type { PlannedFault } from './schedule.js';
import type { Stage } from './stage.js';

export interface RunOptions {
  plan: readonly PlannedFault[];
  stage: Stage;
  /** Of what the faults draw while they are at work. */
  seed: number;
  /** Ends the run early: everything is healed, then it resolves. */
  signal?: AbortSignal;
  /** The faults at work, from before one begins until it is healed. */
  onActive?: (active: FaultName[]) => void;
  /** Not injected: what came before it was healed too late. */
  onSkip?: (planned: PlannedFault) => void;
  /** Each as it happens. They are in the error at the end as well. */
  onError?: (error: Error) => void;
  faults?: Readonly<Record<FaultName, Fault>>;
}

/** Injects and heals what is planned, when it is planned. @throws {AggregateError} when any of it failed, at the end */
export async function runFaults(options: RunOptions): Promise<void> {
  await new Run(options).run();
}

class Run {
  readonly #options: RunOptions;
  readonly #faults: Readonly<Record<FaultName, Fault>>;
  readonly #start = performance.now();
  readonly #active = new Map<PlannedFault, Promise<void>>();
  readonly #errors: Error[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
    this.#faults = options.faults ?? catalogue;
  }

  async run(): Promise<void> {
    const { plan, seed } = this.#options;
    const random = new Random(seed);
    const running: Promise<void>[] = [];
    for (const planned of plan) {
      const own = random.fork();
      await this.#until(planned.at);
      await this.#hindered(planned);
      if (this.#isAborted) break;
      running.push(this.#play(planned, own));
    }
    await Promise.all(running);
    if (this.#errors.length > 0) {
      throw new AggregateError(this.#errors, `${this.#errors.length} faults were not injected or not healed`);
    }
  }

  /** Healing may have taken longer than planned. */
  async #hindered({ fault }: PlannedFault): Promise<void> {
    const others = [...this.#active].filter(([active]) => !areCompatible(active.fault, fault));
    await Promise.all(others.map(([, over]) => over));
  }

  #play(planned: PlannedFault, random: Random): Promise<void> {
    // Not before it is told.
    const over = Promise.resolve()
      .then(() => this.#inject(planned, random))
      .catch((error) => this.#report(planned, error))
      .finally(() => {
        this.#active.delete(planned);
        this.#tell();
      });
    this.#active.set(planned, over);
    this.#tell();
    return over;
  }

  async #inject(planned: PlannedFault, random: Random): Promise<void> {
    const { fault, at, lastsMs } = planned;
    const until = at + lastsMs;
    // It would begin when it ought to be over.
    if (this.#elapsed >= until) return this.#options.onSkip?.(planned);
    const heal = await this.#faults[fault].inject(this.#options.stage, random);
    await this.#until(until);
    await this.#heal(heal);
  }

  /** The server may need a while: a second time is worth it. */
  async #heal(heal: Heal): Promise<void> {
    try {
      await heal();
    } catch (error) {
      await heal().catch((again) => {
        throw new AggregateError([error, again], 'it can not be healed');
      });
    }
  }

  #report({ fault }: PlannedFault, cause: unknown): void {
    const error = new Error(`${fault}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.#errors.push(error);
    this.#options.onError?.(error);
  }

  #tell(): void {
    this.#options.onActive?.([...this.#active.keys()].map(({ fault }) => fault));
  }

  get #elapsed(): number {
    return performance.now() - this.#start;
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Until then, or until the run is ended. */
  #until(at: number): Promise<void> {
    return pause(at - this.#elapsed, this.#options.signal);
  }
}
