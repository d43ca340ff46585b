import type { Bank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import type { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import type { ConnectionPool, Lease } from '@handback/core';

/**
 * Somebody else, who has account 1 and will want account 2, and has done more work than anybody who is in the way: of
 * the two, the other one is the server's victim.
 */
export class Rival {
  readonly #lease: Lease;
  readonly #bank: Bank;

  private constructor(lease: Lease, bank: Bank) {
    this.#lease = lease;
    this.#bank = bank;
  }

  static async of(pool: ConnectionPool, bank: Bank): Promise<Rival> {
    const lease = await pool.acquire();
    await lease.beginTransaction();
    await lease.query(`INSERT INTO ${bank.table} SELECT seq + 100, 0 FROM seq_1_to_500`);
    await lease.query(`UPDATE ${bank.table} SET balance = balance + 0 WHERE id = 1`);
    return new Rival(lease, bank);
  }

  /** Wants account 2, as soon as somebody who holds it waits for account 1 with a statement that holds `marker`. */
  async strike(watcher: ServerWatcher, marker: string): Promise<void> {
    await eventually(() => watcher.runner(marker));
    await this.#lease.query(`UPDATE ${this.#bank.table} SET balance = balance + 0 WHERE id = 2`);
  }

  async leave(): Promise<void> {
    await this.#lease.rollback();
    this.#lease.release();
  }
}
