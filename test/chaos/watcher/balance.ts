import type { RowDataPacket } from 'mysql2/promise';
import type { Violation } from '../types.js';
import type { PatientConnection } from './patient-connection.js';

/** All the bank's money, in one statement: one consistent read, between two transfers and never within one. */
export class Balance {
  readonly #server: PatientConnection;
  readonly #total: number;
  readonly #report: (violation: Violation) => void;
  reads = 0;
  /** How often it was found to be another wrong one. */
  moves = 0;
  last: number | undefined;
  /** Once moved, the total stays moved: each new value is told once. */
  #told: number;

  constructor(
    server: PatientConnection,
    { total }: { total: number },
    report: (violation: Violation) => void,
  ) {
    this.#server = server;
    this.#total = total;
    this.#told = total;
    this.#report = report;
  }

  /** A look that found nobody there is none. */
  async look(): Promise<void> {
    this.#judge(await this.#server.ask(SUM));
  }

  /** At the end: until there is an answer. */
  async read(): Promise<number | undefined> {
    this.#judge(await this.#server.insist(SUM));
    return this.last;
  }

  #judge(rows: RowDataPacket[] | undefined): void {
    if (!rows) return;
    this.reads++;
    const total = Number(rows[0]?.total);
    this.last = total;
    if (total !== this.#total && total !== this.#told) {
      this.moves++;
      this.#report({ invariant: 'I5', detail: `the bank holds ${total}, and was given ${this.#total}` });
    }
    this.#told = total;
  }
}

const SUM = 'SELECT SUM(balance) AS total FROM accounts';
