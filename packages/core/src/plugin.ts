import { type IncomingMessage, METHODS as KNOWN_METHODS, type ServerResponse } from 'node:http';
import type { AnswerGate } from './answer-gate.js';
import { type CloseOptions, ConnectionPool } from './connection-pool.js';
import { createPool } from './create.js';
import { HandbackError } from './errors.js';
import { FOREIGN_NAMES } from './foreign-names.js';
import { httpScope, type RequestFacts } from './http.js';
import { checkOptions, invalid, type Rules } from './option-rules.js';
import type { PoolOptions, RequestOptions, RouteOptions, ScopeSettings } from './options.js';
import type { Owner } from './owner.js';
import type { Pool } from './pool.js';
import { checkRouteOptions, mergeRouteOptions, PLUGIN_RULES, POOL_OPTION_NAMES } from './read-options.js';
import { enterRequest, ownerOf } from './request-context.js';
import { requestIdOf } from './request-id.js';
import { checkRequestOptions, transactionSetting } from './request-options.js';
import type { Scope } from './scope.js';

export interface PluginOptions<Request> extends PoolOptions, RequestOptions {
  /** Name of the property on the request. Also the pool's name unless `name` is given. @default 'db' */
  as?: string;
  /** A pool made by `createPool`, which stays open when the application closes. Instead of the pool's options. */
  pool?: ConnectionPool;
  /** Requests for which this returns true are opted out. */
  skip?: (request: Request) => boolean;
}

const METHODS: ReadonlySet<string> = new Set(KNOWN_METHODS);

const ANY = { allowed: 'anything', accepts: () => true };
const KNOWN_NAMES: Rules = Object.fromEntries(
  [...Object.keys(PLUGIN_RULES), ...POOL_OPTION_NAMES].map((name) => [name, ANY]),
);

/** What a route says: opted out, or options of its own, or nothing. */
export type RouteSetting = false | RouteOptions | undefined;

/** A request as a framework shows it, to be read when something has to be known. */
export interface RequestView<Request> {
  readonly request: Request;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly routeSetting: RouteSetting;
  /** Pattern of the route where the framework matched one. */
  readonly pattern: string | undefined;
  /** The framework's own id of the request. Absent = `req.id`, else the header `x-request-id`. */
  readonly requestId?: string | undefined;
  /**
   * Whether the framework knows that the response lasts for as long as its client likes: it was taken from it, or is a
   * stream of events whose headers it has not passed on yet. Absent = it has no way of knowing.
   */
  readonly longLived?: boolean;
  /** What the framework does for a route's transaction; without it a failed COMMIT is answered with a plain 500. */
  readonly gate?: AnswerGate;
}

/** What one registration of a plugin amounts to, whatever the framework. */
export class Plugin<Request> {
  readonly as: string;
  readonly pool: ConnectionPool;
  /** Whether `currentDb()` finds the scopes of its requests. */
  readonly context: boolean;
  /** Whether the pool was made here, and is closed with the application. */
  readonly owned: boolean;
  readonly #settings: ScopeSettings;
  readonly #skip: ((request: Request) => boolean) | undefined;
  readonly #merged = new WeakMap<RouteOptions, ScopeSettings>();
  /** The pool as its scopes see it. */
  readonly flow: Pool;

  /**
   * `own`: the rules of the options that this adapter alone has. They are checked with the others, and are the
   * adapter's to read.
   *
   * @throws {HandbackError} INVALID_OPTION
   */
  constructor(options: PluginOptions<Request>, own: Rules = {}) {
    if (typeof options !== 'object' || options === null)
      throw new HandbackError('INVALID_OPTION', 'The plugin options must be an object.');
    const { as = 'db', pool, skip, context, transaction, readOnly, ...others } = options;
    checkOptions({ as, skip, context, transaction, readOnly }, PLUGIN_RULES, 'the plugin options');
    // Their values are judged by the pool; here it is the list of known names that counts.
    checkOptions(others, { ...KNOWN_NAMES, ...own }, 'the plugin options', FOREIGN_NAMES);
    checkRequestOptions({ transaction, readOnly });
    const poolOptions = without(others, own);
    this.as = as;
    this.#skip = skip;
    this.owned = pool === undefined;
    this.pool = pool === undefined ? createPool({ name: as, ...poolOptions }) : givenPool(pool, poolOptions);
    this.context = context ?? false;
    if (this.context) ConnectionPool.nameJobs(this.pool, as);
    this.flow = ConnectionPool.flowOf(this.pool);
    this.#settings = {
      ...this.flow.settings,
      transaction: transactionSetting(null, { transaction, readOnly }),
    };
  }

  /** With the option `context`: runs the rest of the request where `currentDb()` finds its scope. */
  enter<T>(view: RequestView<Request>, scope: () => Scope, next: () => T): T {
    const { as } = this;
    const { req, res } = view;
    return enterRequest(
      { req, res, as, scope, route: () => routeOf(view), id: () => view.requestId ?? requestIdOf(req) },
      next,
    );
  }

  /** Whether requests of a route run in a transaction. @throws {HandbackError} INVALID_OPTION */
  runsInTransaction(setting: RouteSetting): boolean {
    return setting !== false && this.settingsOf(setting).transaction !== null;
  }

  /** The scope of one request. */
  scope(view: RequestView<Request>): Scope {
    return httpScope(new PluginFacts(this, view));
  }

  /** Closes an owned pool; a given one stays open. */
  async close(options?: CloseOptions): Promise<void> {
    if (this.owned) await this.pool.close(options);
  }

  /** Whether the option `skip` says so of a request. */
  skips(request: Request): boolean {
    return this.#skip?.(request) === true;
  }

  /** What holds on a route. @throws {HandbackError} INVALID_OPTION */
  settingsOf(setting: RouteSetting): ScopeSettings {
    if (!setting) return this.#settings;
    if (typeof setting !== 'object') checkRouteSetting(setting);
    let merged = this.#merged.get(setting);
    if (!merged) {
      // A framework may have registered the route before it could be checked.
      checkRouteSetting(setting);
      merged = mergeRouteOptions(this.#settings, setting);
      this.#merged.set(setting, merged);
    }
    return merged;
  }
}

/** One request, as the plugin and its framework know it. */
class PluginFacts<Request> implements RequestFacts {
  readonly pool: Pool;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly owner: Owner | undefined;
  readonly #plugin: Plugin<Request>;
  readonly #view: RequestView<Request>;
  /** What the option `skip` says, once it was asked. */
  #skipped: boolean | undefined;

  constructor(plugin: Plugin<Request>, view: RequestView<Request>) {
    this.#plugin = plugin;
    this.#view = view;
    this.pool = plugin.flow;
    this.req = view.req;
    this.res = view.res;
    this.owner = ownerOf(view.req);
  }

  get settings(): ScopeSettings {
    return this.#plugin.settingsOf(this.#view.routeSetting);
  }

  get optedOut(): boolean {
    this.#skipped ??= this.#plugin.skips(this.#view.request);
    return this.#skipped || this.#view.routeSetting === false;
  }

  get gate(): AnswerGate | undefined {
    return this.#view.gate;
  }

  get route(): string {
    return routeOf(this.#view);
  }

  get requestId(): string | undefined {
    return this.#view.requestId ?? requestIdOf(this.req);
  }

  get longLived(): boolean {
    return this.#view.longLived ?? false;
  }
}

function without(options: PoolOptions, names: object): PoolOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(names, name)));
}

function routeOf<Request>({ pattern, req }: RequestView<Request>): string {
  return pattern ?? `${methodOf(req)} (unmatched)`;
}

/** HTTP/2 has any word for a method: those are the client's own. */
function methodOf({ method = 'GET' }: IncomingMessage): string {
  return METHODS.has(method) ? method : 'OTHER';
}

function givenPool(pool: unknown, poolOptions: object): ConnectionPool {
  if (!(pool instanceof ConnectionPool)) throw invalid('pool', 'a pool made by createPool', pool);
  const [extra] = Object.entries(poolOptions).filter(([, value]) => value !== undefined);
  if (extra) {
    const [name] = extra;
    const known = POOL_OPTION_NAMES.includes(name)
      ? "it belongs to the given pool's own options"
      : 'it is unknown';
    throw new HandbackError('INVALID_OPTION', `Option '${name}' can't be given beside 'pool': ${known}.`);
  }
  return pool;
}

/** @throws {HandbackError} INVALID_OPTION */
export function checkRouteSetting(setting: unknown): asserts setting is RouteSetting {
  if (setting !== undefined && setting !== false) checkRouteOptions(setting);
}

export function alreadyRegistered(as: string): HandbackError {
  return new HandbackError(
    'ALREADY_REGISTERED',
    `The name '${as}' is taken in this application, by Handback or by another plugin; choose another with the option 'as'.`,
  );
}
