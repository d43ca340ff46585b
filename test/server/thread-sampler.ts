import { ServerWatcher } from '@handback/contract/support/server-watcher.js';

/**
 * Counts an account's sessions in the server's process list, one look after another (each takes a millisecond or two),
 * over a connection of another account.
 */
export class ThreadSampler {
  /** The most that were ever seen at once. */
  most = 0;
  looks = 0;
  readonly #watcher: ServerWatcher;
  readonly #looking: Promise<void>;
  #over = false;

  private constructor(watcher: ServerWatcher, account: string) {
    this.#watcher = watcher;
    this.#looking = this.#look(account);
  }

  static async of(account: string): Promise<ThreadSampler> {
    return new ThreadSampler(await ServerWatcher.open(), account);
  }

  async #look(account: string): Promise<void> {
    while (!this.#over) {
      const { length } = await this.#watcher.threadsOf(account);
      this.most = Math.max(this.most, length);
      this.looks++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#looking.finally(() => this.#watcher.close());
  }
}
