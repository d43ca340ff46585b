import type { AcquireReports } from './acquire-reports.js';
import type { Canceller } from './canceller.js';
import type { PoolCircumstances } from './circumstances.js';
import type { Clock } from './clock.js';
import type { Closer } from './closer.js';
import type { Control } from './control.js';
import type { DoubleAcquire } from './double-acquire.js';
import type { Drainer } from './drainer.js';
import type { PoolEvents } from './events.js';
import type { Evictor } from './evictor.js';
import type { Knowledge } from './knowledge.js';
import type { PoolSettings } from './options.js';
import type { PendingCount } from './pending.js';
import type { Queue } from './queue.js';
import type { Renewal } from './renewal.js';
import type { Reporter } from './reporter.js';
import type { Resetter } from './resetter.js';
import type { Shutdown } from './shutdown.js';
import type { Slots } from './slots.js';
import type { StackSample } from './stack-sample.js';
import type { Counters } from './stats.js';
import type { Supply } from './supply.js';
import type { PoolTrust } from './trust.js';
import type { Upkeep } from './upkeep.js';
import type { Validator } from './validator.js';
import type { Watch } from './watch.js';

/** What all that look after a pool's connections share. */
export interface PoolParts {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly events: PoolEvents;
  readonly slots: Slots;
  readonly counters: Counters;
  readonly knowledge: Knowledge;
  readonly trust: PoolTrust;
  readonly reporter: Reporter;
  readonly stacks: StackSample;
  readonly acquires: AcquireReports;
  readonly pending: PendingCount;
}

/** Where entries stay between the doors, and who looks after them there. Each calls back, so they come later. */
export interface Rooms {
  control: Control;
  queue: Queue;
  doubles: DoubleAcquire;
  validator: Validator;
  drainer: Drainer;
  resetter: Resetter;
  closer: Closer;
  supply: Supply;
  renewal: Renewal;
  canceller: Canceller;
  circumstances: PoolCircumstances;
  watch: Watch;
  evictor: Evictor;
  shutdown: Shutdown;
  upkeep: Upkeep;
}
