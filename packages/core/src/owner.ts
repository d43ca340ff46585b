/** How a request is known to its client and in logs. */
export interface RequestIdentity {
  readonly method: () => string | undefined;
  readonly requestId: () => string | undefined;
}

/**
 * Who asks for connections, as far as that is known: a request, a job, the function of a transaction. It is known with
 * the option `context`, or where the application says it (`acquire({ scope })`).
 */
export class Owner {
  /** What it is part of: a job that a request has started. */
  readonly within: Owner | null;
  /** How many acquires of it, or of what is part of it, wait now, in any pool. */
  waiting = 0;
  readonly #route: () => string;
  readonly #isOver: () => boolean;
  readonly #request: RequestIdentity | undefined;

  /** All are asked when something has to be known, no earlier. */
  constructor(
    route: () => string,
    isOver: () => boolean,
    within: Owner | null = null,
    request?: RequestIdentity,
  ) {
    this.#route = route;
    this.#isOver = isOver;
    this.within = within;
    this.#request = request;
  }

  /** Of the request that it is, or is part of. */
  get method(): string | undefined {
    return this.#request ? this.#request.method() : this.within?.method;
  }

  get requestId(): string | undefined {
    return this.#request ? this.#request.requestId() : this.within?.requestId;
  }

  /** The route's pattern, or the job's name. */
  get route(): string {
    return this.#route();
  }

  /** It has ended: what it still holds comes back, and what it still asks for nobody waits for. */
  get isOver(): boolean {
    return this.#isOver();
  }

  /** An acquire has begun to wait, or waits no more. */
  count(change: 1 | -1): void {
    this.waiting += change;
    this.within?.count(change);
  }
}

/** What asks for itself: a scope. */
interface Asking {
  readonly context: {
    readonly route: string;
    readonly method?: string | undefined;
    readonly requestId?: string | undefined;
  };
  readonly hasEnded: boolean;
}

/** A scope on its own behalf, where nobody has said on whose. */
export class ScopeOwner extends Owner {
  readonly #asking: Asking;

  constructor(asking: Asking) {
    super(unknownRoute, neverOver);
    this.#asking = asking;
  }

  override get route(): string {
    return this.#asking.context.route;
  }

  override get method(): string | undefined {
    return this.#asking.context.method;
  }

  override get requestId(): string | undefined {
    return this.#asking.context.requestId;
  }

  override get isOver(): boolean {
    return this.#asking.hasEnded;
  }
}

const unknownRoute = () => '';
const neverOver = () => false;

/** It, and what it is part of, from the inside outward, as far as that lives. */
export function lineage(owner: Owner | null | undefined): Owner[] {
  const found: Owner[] = [];
  for (let each = owner ?? null; each && !each.isOver; each = each.within) found.push(each);
  return found;
}
