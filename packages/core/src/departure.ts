import { AsyncResource } from 'node:async_hooks';
import { leftUnanswered } from './refusals.js';

/**
 * The signal of one request, made when it is read. Its listeners are called in the reader's async context: what tells of
 * the departure is a socket, whose own may be another request's.
 */
export class Departure {
  readonly #controller = new AbortController();
  readonly #reader = new AsyncResource('handback.signal');

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The client has left before it was answered. */
  happened(): void {
    this.#reader.runInAsyncScope(() => this.#controller.abort(leftUnanswered()));
  }
}
