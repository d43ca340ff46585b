import { Current, currentOwner, runIn } from './current-db.js';
import { Lifecycle } from './lifecycle.js';
import { checkOptions, invalid, type Rules, text } from './option-rules.js';
import type { ScopeOptions, ScopeSettings } from './options.js';
import type { Owner } from './owner.js';
import type { Pool } from './pool.js';
import { QueryLog } from './query-log.js';
import { mergeRouteOptions, SCOPE_RULES } from './read-options.js';
import { Scope } from './scope.js';
import type { ScopeContext } from './scope-context.js';

/** What a job may set for itself: limits as a route has them, in the place of the pool's. */
export interface JobOptions extends Omit<ScopeOptions, 'releaseOn'> {
  /** Names the job in errors, reports and events, as the pattern of its route names a request. @default the function's name, else 'job' */
  name?: string | undefined;
}

const { releaseOn: _, ...LIMITS } = SCOPE_RULES;
const JOB_RULES: Rules = { ...LIMITS, name: text };

/** A job ends when its function has settled; there is nothing to watch. */
export class JobContext implements ScopeContext {
  readonly pool: Pool;
  readonly route: string;
  readonly optedOut = false;
  owner: Owner | undefined;
  readonly log: QueryLog | null;
  readonly #limits: ScopeSettings | null;

  constructor(pool: Pool, route: string, limits: ScopeOptions | null = null) {
    this.pool = pool;
    this.route = route;
    this.#limits = limits && mergeRouteOptions(pool.settings, limits);
    this.log = this.settings.log > 0 ? new QueryLog(this.settings.log) : null;
  }

  get settings(): ScopeSettings {
    return this.#limits ?? this.pool.settings;
  }

  /** Of the request that it is part of, where that is known. */
  get method(): string | undefined {
    return this.owner?.within?.method;
  }

  get requestId(): string | undefined {
    return this.owner?.within?.requestId;
  }

  watch(): null {
    return null;
  }

  unwatch(): void {}
}

/** The rules of `run()` and `wrap()`, checked once: how often it then runs is nobody's concern. */
export class Job {
  readonly #pool: Pool;
  readonly #names: ReadonlySet<string>;
  readonly #name: string;
  readonly #limits: ScopeOptions | null;

  /**
   * `names`: under which its scope is the current one, with the option `context`.
   *
   * @throws {HandbackError} INVALID_OPTION
   */
  // biome-ignore lint/complexity/noBannedTypes: any function; its name is all that is asked for
  constructor(pool: Pool, names: ReadonlySet<string>, fn: Function, options: JobOptions | undefined) {
    if (typeof fn !== 'function') throw invalid('fn', 'a function that is given the scope', fn);
    if (options !== undefined) checkOptions(options, JOB_RULES, 'the options of a job');
    const { name = fn.name, ...limits } = options ?? {};
    this.#pool = pool;
    this.#names = names;
    this.#name = name || 'job';
    this.#limits = options ? limits : null;
  }

  /** One run: however `fn` ends, its connection goes back. */
  async run<T>(fn: (db: Scope) => Promise<T> | T): Promise<T> {
    const context = new JobContext(this.#pool, this.#name, this.#limits);
    const life = new Lifecycle(context);
    const scope = new Scope(life);
    try {
      return await this.#surround(context, life, scope, () => fn(scope));
    } finally {
      life.end('answered');
    }
  }

  /** With the option `context` the job is what its code belongs to; a job that is part of a request is so in any case. */
  #surround<T>(context: JobContext, life: Lifecycle, scope: Scope, fn: () => T): T {
    const around = currentOwner();
    if (!around && this.#names.size === 0) return fn();
    const current = new Current(
      () => context.route,
      () => life.hasEnded,
      around,
    );
    for (const as of this.#names) current.name(as, () => scope);
    context.owner = current;
    return runIn(current, fn);
  }
}

/** What libraries ask of a function: BullMQ, for one, hands a signal only to those that declare a place for it. */
// biome-ignore lint/complexity/noBannedTypes: any function
export function lookLike(wrapped: Function, fn: Function, name: string | undefined): void {
  Object.defineProperties(wrapped, {
    name: { value: name ?? fn.name, configurable: true },
    length: { value: Math.max(0, fn.length - 1), configurable: true },
  });
}
