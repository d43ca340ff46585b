import type { Cancellable, PoolSize, PromisePool } from '../contender.js';
import { calledOff } from './called-off.js';
import { type Resource, resources } from './resource.js';

/**
 * The physical limit: what a pool can't do without. An array of what is idle, a ring of who waits, one promise per
 * acquire. No deadline, no lease, no check, nothing is counted.
 */
class FloorPool implements PromisePool<Resource> {
  readonly style = 'promise';
  readonly #idle: Resource[];
  readonly #waiting = new Ring<(resource: Resource) => void>();

  constructor(idle: Resource[]) {
    this.#idle = idle;
  }

  acquire(): Promise<Resource> {
    const resource = this.#idle.pop();
    if (resource !== undefined) return Promise.resolve(resource);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  tryAcquire(): Resource | undefined {
    return this.#idle.pop();
  }

  /** A promise and a signal: nothing can be called off for less. */
  acquireCancellable(): Cancellable {
    const controller = new AbortController();
    const settled = new Promise((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
    });
    return { settled, cancel: () => controller.abort(calledOff) };
  }

  release(resource: Resource): void {
    const next = this.#waiting.shift();
    if (next) next(resource);
    else this.#idle.push(resource);
  }
}

/** First in, first out, at a constant price; its size is a power of two. */
class Ring<Item> {
  #items: (Item | undefined)[] = new Array(16).fill(undefined);
  #first = 0;
  #size = 0;

  push(item: Item): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#items[(this.#first + this.#size++) & (this.#items.length - 1)] = item;
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#size--;
    return item;
  }

  #grow(): void {
    const inOrder = [...this.#items.slice(this.#first), ...this.#items.slice(0, this.#first)];
    this.#items = inOrder.concat(new Array(inOrder.length).fill(undefined));
    this.#first = 0;
  }
}

export const makeFloor = ({ max }: PoolSize): PromisePool => new FloorPool(resources(max)) as PromisePool;
