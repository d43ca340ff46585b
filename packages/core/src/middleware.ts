import type { IncomingMessage } from 'node:http';
import { Admissions } from './admissions.js';
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

/** What the adapters have in common that get a request and hand it on. */

/** What `handback.off()` and `handback.route()` said of requests. Every statement asks; most have nothing to find. */
const routeSettings = new WeakMap<IncomingMessage, RouteSetting>();

export function routeSettingOf(req: IncomingMessage): RouteSetting {
  return routeSettings.get(req);
}

/** @throws {HandbackError} INVALID_OPTION */
export function routeMarker(setting: false | RouteOptions): (req: IncomingMessage) => void {
  checkRouteSetting(setting);
  return (req) => {
    routeSettings.set(req, setting);
  };
}

/** `off` itself in the place of `off()`: it would get the request, and end no chain. @throws {TypeError} */
export function refuseRequest(given: readonly unknown[]): void {
  if (given.length > 0)
    throw new TypeError('Write handback.off(), with its parentheses: it makes the middleware.');
}

/** The names taken on each application's object. */
const registrations = new WeakMap<object, Map<string, unknown>>();

/** The getters that are Handback's, to tell a second registration from a name that is somebody else's. */
const getters = new WeakSet<object>();

/**
 * Puts the scope where the framework's users look, and makes it when they do: a getter. It is on the object that
 * requests inherit from, switched on for the requests that pass here; in a framework without such an object, on each
 * request.
 */
export class Installer<Request extends object> {
  readonly #plugin: Plugin<Request>;
  readonly #view: (request: Request) => RequestView<Request>;
  readonly #admissions: Admissions<Request>;
  readonly #property: PropertyDescriptor;
  readonly #installed = new WeakSet<object>();
  /** One of them, asked for last: an application has one. */
  #prototype: object | undefined;

  /**
   * `view` is asked at the first look at the scope, once per request. `placeOf`: an object that belongs to one request, to take
   * notes on, where the request itself is a bad place.
   */
  constructor(
    plugin: Plugin<Request>,
    view: (request: Request) => RequestView<Request>,
    placeOf: (request: Request) => object = itself,
  ) {
    this.#plugin = plugin;
    this.#view = view;
    this.#admissions = new Admissions(plugin.as, placeOf);
    this.#property = property(plugin.as, this.#admissions, (request) => plugin.scope(view(request)));
  }

  /**
   * Lets a request look at its scope; to be called before its handler. `prototype`: the application's own object that
   * its requests inherit from, if the framework has one.
   *
   * @throws {HandbackError} ALREADY_REGISTERED, INVALID_OPTION
   */
  admit(request: Request, prototype?: object): void {
    if (prototype === undefined) this.#installOn(request);
    else if (prototype !== this.#prototype) this.#installOnce(prototype, request);
    this.#admissions.add(request);
  }

  /** Hands an admitted request on; with the option `context`, to where `currentDb()` finds its scope. */
  enter<T>(request: Request, next: () => T): T {
    const plugin = this.#plugin;
    if (!plugin.context) return next();
    const scope = () => (request as Record<string, unknown>)[plugin.as] as Scope;
    return plugin.enter(this.#view(request), scope, next);
  }

  /** The scope of a request that has asked for it. */
  scopeOf(request: Request): Scope | null {
    const scope = this.#admissions.scopeOf(request);
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

  #installOnce(prototype: object, request: Request): void {
    if (!this.#installed.has(prototype)) this.#install(prototype, request);
    this.#prototype = prototype;
  }

  #install(prototype: object, request: Request): void {
    const { as } = this.#plugin;
    for (let object: object | null = prototype; object; object = Object.getPrototypeOf(object)) {
      const other = registrations.get(object)?.get(as);
      if (other && other !== this) throw alreadyRegistered(as);
      // The same middleware on an application and on one that is mounted in it: the getter is inherited.
      if (other) return void this.#installed.add(prototype);
    }
    if (as in request) throw taken(as, request);
    registrations.set(prototype, (registrations.get(prototype) ?? new Map()).set(as, this));
    this.#installed.add(prototype);
    Object.defineProperty(prototype, as, this.#property);
  }

  #installOn(request: Request): void {
    const { as } = this.#plugin;
    // One that passes twice: handed from one server to another, or to itself.
    if (this.#admissions.has(request)) return;
    if (as in request) throw taken(as, request);
    Object.defineProperty(request, as, this.#property);
  }
}

function property<Request extends object>(
  as: string,
  admissions: Admissions<Request>,
  create: (request: Request) => Scope,
): PropertyDescriptor {
  function get(this: Request): unknown {
    const known = admissions.scopeOf(this);
    if (known !== null) return known;
    const scope = create(this);
    admissions.put(this, scope);
    return scope;
  }
  getters.add(get);
  return {
    configurable: true,
    enumerable: true,
    get,
    // Tests put a double there.
    set(this: object, value: unknown) {
      Object.defineProperty(this, as, { value, configurable: true, enumerable: true, writable: true });
    },
  };
}

function itself<Request extends object>(request: Request): object {
  return request;
}

function taken(as: string, request: object): HandbackError {
  const { get } = Object.getOwnPropertyDescriptor(request, as) ?? {};
  if (get && getters.has(get)) return alreadyRegistered(as);
  return new HandbackError(
    'INVALID_OPTION',
    `Option 'as' must be a free name on the request; '${as}' is taken.`,
  );
}
