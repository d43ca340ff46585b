import { AsyncLocalStorage } from 'node:async_hooks';
import { HandbackError } from './errors.js';
import { Owner } from './owner.js';
import type { Scope } from './scope.js';

/** Where `run` is called the process pays for it with every promise, so nothing calls it unless asked to. */
const storage = new AsyncLocalStorage<Current>();
let inUse = false;

/** The request or job that the running code belongs to. Its scopes are made when somebody asks for them. */
export class Current extends Owner {
  declare readonly within: Current | null;
  readonly #scopes = new Map<string, () => Scope>();

  /** `as` is found from now on. */
  name(as: string, scope: () => Scope): void {
    this.#scopes.set(as, scope);
  }

  find(as: string): Scope | undefined {
    const scope = this.#scopes.get(as);
    return scope ? scope() : this.within?.find(as);
  }

  get names(): string[] {
    return [...new Set([...this.#scopes.keys(), ...(this.within?.names ?? [])])];
  }
}

/** Runs `fn`, and all that it calls and awaits, as part of `current`. */
export function runIn<T>(current: Current, fn: () => T): T {
  inUse = true;
  return storage.run(current, fn);
}

/** Whether {@link currentOwner} could find anybody at all. */
export function isInUse(): boolean {
  return inUse;
}

export function currentOwner(): Current | null {
  return inUse ? (storage.getStore() ?? null) : null;
}

/**
 * The scope of the request, or of the job, that the running code belongs to: `request.db` without passing it along. With
 * the option `context: true` only.
 *
 * @param as the registration's `as`. Default: 'db'
 * @throws {HandbackError} NO_CURRENT_DB outside of requests and jobs, and for a name that is not known there
 */
export function currentDb(as = 'db'): Scope {
  const current = currentOwner();
  const scope = current?.find(as);
  if (scope) return scope;
  throw new HandbackError('NO_CURRENT_DB', whyNone(as, current));
}

function whyNone(as: string, current: Current | null): string {
  if (current) {
    const names = current.names.map((name) => `'${name}'`).join(', ') || 'none';
    return `Nothing is known as '${as}' here; known with the option 'context' are: ${names}.`;
  }
  return inUse
    ? 'currentDb() was called outside of a request or job, or from a callback that has lost it (bind it with AsyncResource.bind).'
    : "currentDb() needs the option 'context: true' of the plugin (or of createPool, for its jobs), and a request or job around it.";
}
