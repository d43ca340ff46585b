import type { Violation } from '../types.js';
import type { PatientConnection } from './patient-connection.js';

/** The account's threads at one moment, by the server's own list: those being killed count until they are off it. */
export class ThreadCount {
  readonly #server: PatientConnection;
  readonly #appUser: string;
  readonly #limit: number;
  readonly #report: (violation: Violation) => void;
  samples = 0;
  most = 0;
  /** Samples above the limit. */
  above = 0;

  constructor(
    server: PatientConnection,
    { appUser, threadLimit }: { appUser: string; threadLimit: number },
    report: (violation: Violation) => void,
  ) {
    this.#server = server;
    this.#appUser = appUser;
    this.#limit = threadLimit;
    this.#report = report;
  }

  async sample(): Promise<void> {
    const rows = await this.#server.ask(
      `SELECT id AS id, command AS command, time_ms AS ms, LEFT(info, 60) AS info
       FROM information_schema.processlist WHERE user = ?`,
      [this.#appUser],
    );
    if (!rows) return;
    this.samples++;
    this.most = Math.max(this.most, rows.length);
    if (rows.length <= this.#limit) return;
    this.above++;
    const threads = rows.map(({ id, command, info }) => `${id} ${info ?? command}`).join('; ');
    this.#report({
      invariant: 'I6',
      detail: `${rows.length} threads of the account, ${this.#limit} allowed: ${threads}`,
    });
  }
}
