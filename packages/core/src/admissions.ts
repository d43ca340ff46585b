/** Which requests have passed an installer, and the scopes of those that have looked. Noted on the requests. */
export class Admissions<Request extends object> {
  /** Absent = not admitted, null = no scope yet. */
  readonly #slot: symbol;
  readonly #placeOf: (request: Request) => object;

  /** `placeOf`: the object of a request's own that carries the note. */
  constructor(as: string, placeOf: (request: Request) => object) {
    this.#slot = Symbol(`handback.${as}`);
    this.#placeOf = placeOf;
  }

  /** May be called again: what there is stays. */
  add(request: Request): void {
    this.#place(request)[this.#slot] ??= null;
  }

  has(request: Request): boolean {
    return this.#slot in this.#place(request);
  }

  /** null = it has none yet, undefined = it was not admitted. */
  scopeOf(request: Request): unknown {
    return this.#place(request)[this.#slot];
  }

  put(request: Request, scope: unknown): void {
    this.#place(request)[this.#slot] = scope;
  }

  #place(request: Request): Record<symbol, unknown> {
    return this.#placeOf(request) as Record<symbol, unknown>;
  }
}
