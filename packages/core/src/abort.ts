/**
 * Those who wait for one signal share a listener: with one each, the statements of a busy request would look like a
 * leak, and the process would be warned of it.
 */
class Waiting {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(callback: () => void): void {
    if (this.#callbacks.size === 0) this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#callbacks.add(callback);
  }

  remove(callback: () => void): void {
    if (this.#callbacks.delete(callback) && this.#callbacks.size === 0)
      this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = () => {
    for (const callback of this.#callbacks) callback();
  };
}

const waitingFor = new WeakMap<AbortSignal, Waiting>();

/** Calls `callback` when `signal` aborts, unless the returned function was called before. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = waitingFor.get(signal);
  if (!waiting) {
    waiting = new Waiting(signal);
    waitingFor.set(signal, waiting);
  }
  waiting.add(callback);
  return () => waiting.remove(callback);
}

/** A signal of another realm, or a polyfill, will do. */
export function isSignal(value: unknown): value is AbortSignal {
  return typeof (value as AbortSignal | null)?.addEventListener === 'function';
}
