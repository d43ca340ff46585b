/** Which requests have passed an installer, and the scopes of those that have looked. */
export interface Admissions<Request extends object> {
  /** May be called again: what there is stays. */
  add(request: Request): void;
  /** The admitted request that this one is, or stands for; null = it was not admitted. */
  find(request: Request): Request | null;
  /** Of an admitted request; null = it has none yet. */
  scopeOf(request: Request): unknown;
  put(request: Request, scope: unknown): void;
}

/** On the requests themselves: the cheapest place, where they all have the same shape. */
export class OnRequests<Request extends object> implements Admissions<Request> {
  /** Absent = not admitted, null = no scope yet. */
  readonly #slot: symbol;

  constructor(as: string) {
    this.#slot = Symbol(`handback.${as}`);
  }

  add(request: Request): void {
    (request as Record<symbol, unknown>)[this.#slot] ??= null;
  }

  find(request: Request): Request | null {
    return this.#slot in request ? request : null;
  }

  scopeOf(request: Request): unknown {
    return (request as Record<symbol, unknown>)[this.#slot] ?? null;
  }

  put(request: Request, scope: unknown): void {
    (request as Record<symbol, unknown>)[this.#slot] = scope;
  }
}

/**
 * Beside the requests. Express changes the prototype of each request, by which each gets a shape of its own in the engine: a
 * property that is added then costs ten times as much as this, and one that is looked for in vain hardly less.
 */
export class BesideRequests<Request extends object> implements Admissions<Request> {
  readonly #original: (request: Request) => Request | undefined;
  readonly #admitted = new WeakSet<Request>();
  readonly #scopes = new WeakMap<Request, unknown>();

  /** `original`: of what stands for a request and is another object (a proxy, what inherits from it). */
  constructor(original: (request: Request) => Request | undefined) {
    this.#original = original;
  }

  add(request: Request): void {
    this.#admitted.add(request);
  }

  find(request: Request): Request | null {
    if (this.#admitted.has(request)) return request;
    const original = this.#original(request);
    return original !== undefined && this.#admitted.has(original) ? original : null;
  }

  scopeOf(request: Request): unknown {
    return this.#scopes.get(request) ?? null;
  }

  put(request: Request, scope: unknown): void {
    this.#scopes.set(request, scope);
  }
}
