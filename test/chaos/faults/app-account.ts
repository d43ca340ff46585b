import { rename, writeFile } from 'node:fs/promises';
import type { Admin } from './admin.js';
import type { Schemas } from './schema.js';

/** High, not unlimited: the server counts the sessions of limited accounts only. */
const UNLIMITED = 1_000;

/** The account of the process under test: it can be changed under its feet, and be put right again. */
export class AppAccount {
  readonly user = 'chaos_app';
  /** One line: what the process under test reads at every open. */
  readonly passwordFile: string;
  readonly #admin: Admin;
  readonly #schemas: Schemas;
  #password: string;

  constructor(options: { admin: Admin; schemas: Schemas; passwordFile: string; password: string }) {
    this.#admin = options.admin;
    this.#schemas = options.schemas;
    this.passwordFile = options.passwordFile;
    this.#password = options.password;
  }

  get password(): string {
    return this.#password;
  }

  /** As it ought to be, whatever it is now: there, unlocked, unlimited, with its rights and the password in the file. */
  async restore(): Promise<void> {
    const account = this.#name;
    await this.#admin.query(`CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ?`, [this.#password]);
    await this.setPassword(this.#password);
    await this.#admin.query(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS ${UNLIMITED} ACCOUNT UNLOCK`);
    for (const schema of Object.values(this.#schemas)) {
      await this.#admin.query(`GRANT ${RIGHTS} ON \`${schema}\`.* TO ${account}`);
    }
  }

  /** At the server first, then in the file: in between, whoever reads the file is refused. */
  async setPassword(password: string, between: () => Promise<void> = async () => {}): Promise<void> {
    await this.#admin.query(`ALTER USER ${this.#name} IDENTIFIED BY ?`, [password]);
    this.#password = password;
    await between();
    await this.writePassword();
  }

  /** Never half of it to a reader. */
  async writePassword(): Promise<void> {
    await writeFile(`${this.passwordFile}.new`, `${this.#password}\n`, { mode: 0o600 });
    await rename(`${this.passwordFile}.new`, this.passwordFile);
  }

  async lock(): Promise<void> {
    await this.#admin.query(`ALTER USER ${this.#name} ACCOUNT LOCK`);
  }

  async drop(): Promise<void> {
    await this.#admin.query(`DROP USER IF EXISTS ${this.#name}`);
  }

  async limit(connections: number): Promise<void> {
    await this.#admin.query(`ALTER USER ${this.#name} WITH MAX_USER_CONNECTIONS ${connections}`);
  }

  get #name(): string {
    return `'${this.user}'@'%'`;
  }
}

/** None that lifts read_only or gets in beyond max_connections. */
const RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, EXECUTE, LOCK TABLES';
