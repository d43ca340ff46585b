import type { IncomingMessage } from 'node:http';
import { HandbackError } from './errors.js';
import type { RouteOptions } from './options.js';
import {
  alreadyRegistered,
  checkRouteSetting,
  type Plugin,
  type RequestView,
  type RouteSetting,
} from './plugin.js';
import { Scope } from './scope.js';

/** What Express and Koa have in common: requests that inherit from an object of the application. */

const ROUTE_SETTING = Symbol('handback.route');

type Marked = IncomingMessage & { [ROUTE_SETTING]?: RouteSetting };

/** What `handback.off()` and `handback.route()` left on the request. */
export function routeSettingOf(req: IncomingMessage): RouteSetting {
  return (req as Marked)[ROUTE_SETTING];
}

/** @throws {HandbackError} INVALID_OPTION */
export function routeMarker(setting: false | RouteOptions): (req: IncomingMessage) => void {
  checkRouteSetting(setting);
  return (req) => {
    (req as Marked)[ROUTE_SETTING] = setting;
  };
}

/** `off` itself in the place of `off()`: it would get the request, and end no chain. @throws {TypeError} */
export function refuseRequest(given: readonly unknown[]): void {
  if (given.length > 0)
    throw new TypeError('Write handback.off(), with its parentheses: it makes the middleware.');
}

/** The names taken on each application's object. */
const registrations = new WeakMap<object, Map<string, unknown>>();

/**
 * Puts the scope where the framework's users look, without touching the request before they do: a getter on the
 * object that requests inherit from, switched on for the requests that pass the middleware.
 */
export class Installer<Request extends object> {
  readonly #plugin: Plugin<Request>;
  readonly #view: (request: Request) => RequestView<Request>;
  /** On a request: absent = did not pass the middleware, null = no scope yet. */
  readonly #slot: symbol;
  readonly #installed = new WeakSet<object>();

  constructor(plugin: Plugin<Request>, view: (request: Request) => RequestView<Request>) {
    this.#plugin = plugin;
    this.#view = view;
    this.#slot = Symbol(`handback.${plugin.as}`);
  }

  /** @throws {HandbackError} ALREADY_REGISTERED, INVALID_OPTION */
  admit(request: Request, prototype: object): void {
    if (!this.#installed.has(prototype)) this.#install(prototype, request);
    (request as Record<symbol, unknown>)[this.#slot] ??= null;
  }

  /** The scope of a request that has asked for it. */
  scopeOf(request: Request): Scope | null {
    const scope = (request as Record<symbol, unknown>)[this.#slot];
    return scope instanceof Scope ? scope : null;
  }

  /**
   * The handler has settled and the framework will not answer, because the client has left: of this nothing on the
   * response tells.
   */
  settled(request: Request): void {
    const scope = this.scopeOf(request);
    if (scope) Scope.lifeOf(scope).ending('answered');
  }

  #install(prototype: object, request: Request): void {
    const { as } = this.#plugin;
    for (let object: object | null = prototype; object; object = Object.getPrototypeOf(object)) {
      const other = registrations.get(object)?.get(as);
      if (other && other !== this) throw alreadyRegistered(as);
      // The same middleware on an application and on one that is mounted in it: the getter is inherited.
      if (other) return void this.#installed.add(prototype);
    }
    if (as in request) {
      throw new HandbackError(
        'INVALID_OPTION',
        `Option 'as' must be a free name on the request; '${as}' is taken.`,
      );
    }
    registrations.set(prototype, (registrations.get(prototype) ?? new Map()).set(as, this));
    this.#installed.add(prototype);
    this.#define(prototype, as);
  }

  #define(prototype: object, as: string): void {
    const slot = this.#slot;
    const create = (request: unknown) => this.#plugin.scope(this.#view(request as Request));
    Object.defineProperty(prototype, as, {
      configurable: true,
      enumerable: true,
      get(this: Record<symbol, unknown>) {
        const scope = this[slot];
        if (scope !== null) return scope;
        this[slot] = create(this);
        return this[slot];
      },
      // Tests put a double there.
      set(this: object, value: unknown) {
        Object.defineProperty(this, as, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }
}
