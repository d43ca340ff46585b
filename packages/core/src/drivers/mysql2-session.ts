import mysql from 'mysql2';
import type { RawConnection, ResetOptions } from '../driver.js';
import { IDENTITY, identityOf } from '../server-identity.js';
import { PLAIN_ROWS } from '../statement.js';
import { charsetOf, collationOf } from './mysql2-charsets.js';
import { type Internals, internals } from './mysql2-internals.js';

/** What a reset leaves, and procedures, functions and triggers can bring about. */
const SURVIVORS =
  'SELECT CURRENT_ROLE() AS role, (SELECT COUNT(*) FROM information_schema.PROFILING) AS profiles';
/** Session tracking beyond the schema and a few variables; a reset turns it off again. */
const TRACK_CHANGES = 'SET SESSION session_track_state_change = 1';
const ROLE = 'SELECT CURRENT_ROLE() AS role';
const ER_UNKNOWN_SYSTEM_VARIABLE = 1193;
/** Versions of servers that have no name for themselves. */
const nameless = new Set<string>();

/** What a session is meant to be like, and the way back to it. */
export class Mysql2Session {
  readonly #raw: RawConnection;
  readonly #config: Internals['config'];
  readonly #isMariaDb: boolean;
  readonly #version: string;
  readonly #threadId: number;
  /** What the handshake agreed on, and MariaDB's reset restores. */
  readonly #openedCharset: number;
  /** What it is meant to be, after `onConnect`. */
  #charset: number;
  #role: string | null = null;
  #changesTracked = false;
  #server: string | null = null;

  constructor(raw: RawConnection, serverVersion: string, threadId: number) {
    this.#raw = raw;
    this.#config = internals(raw).config;
    this.#openedCharset = this.#config.charsetNumber;
    this.#charset = this.#config.charsetNumber;
    this.#isMariaDb = /mariadb/i.test(serverVersion);
    this.#version = serverVersion;
    this.#threadId = threadId;
  }

  /**
   * MariaDB then reports every change of a variable, a temporary table, a prepared statement or the schema, in
   * stored code too. MySQL's version of it was not tried.
   */
  async trackChanges(): Promise<void> {
    if (!this.#isMariaDb) return;
    this.#changesTracked = await this.#ask(TRACK_CHANGES).then(
      () => true,
      // A server, or a proxy, that doesn't know the variable: the reading of the SQL has to do.
      (error: Error & { sqlState?: string }) => {
        if (error.sqlState === undefined) throw error;
        return false;
      },
    );
  }

  /** Which one it is, in its own words; null = it has none, or was not asked yet. */
  get server(): string | null {
    return this.#server;
  }

  charsetChanged(): boolean {
    const { charsetNumber } = this.#config;
    return charsetNumber !== this.#charset && charsetOf(charsetNumber) !== charsetOf(this.#charset);
  }

  async settled(): Promise<void> {
    this.#charset = this.#config.charsetNumber;
    if (this.#isMariaDb) await this.#learn();
  }

  async reset({ restoreSchema, checkSurvivors, rollBackFirst, replay }: ResetOptions): Promise<void> {
    const config = this.#config;
    // Refused in an XA transaction, after which a reset leaves a session without InnoDB.
    if (rollBackFirst) await this.#ask('ROLLBACK');
    await this.#resetSession();
    config.charsetNumber = this.#openedCharset;
    // MariaDB's reset restores the handshake's character set, MySQL's takes the global one.
    if (!this.#isMariaDb) {
      const [charset, collation] = [charsetOf(this.#openedCharset), collationOf(this.#openedCharset)];
      await this.#ask(`SET NAMES ${charset} COLLATE ${collation}`);
    }
    if (restoreSchema && config.database) await this.#ask(`USE ${mysql.escapeId(config.database, true)}`);
    if (this.#changesTracked) await this.#ask(TRACK_CHANGES);
    await replay?.();
    // MariaDB keeps both over a reset.
    if (checkSurvivors && this.#isMariaDb) await this.#refuseSurvivors();
    if (this.charsetChanged()) throw new Error('the character set is not what it was');
  }

  #resetSession(): Promise<void> {
    const raw = this.#raw as unknown as { reset(done: (error: Error | null) => void): void };
    return new Promise((resolve, reject) => {
      raw.reset((error) => (error ? reject(error) : resolve()));
    });
  }

  /** The role, and in the same round trip which server this is. */
  async #learn(): Promise<void> {
    const both = nameless.has(this.#version) ? ROLE : `${ROLE}, ${IDENTITY}`;
    const [row = {}] = (await this.#ask(both).catch((error: Error & { errno?: number }) => {
      if (error.errno !== ER_UNKNOWN_SYSTEM_VARIABLE) throw error;
      nameless.add(this.#version);
      return this.#ask(ROLE);
    })) as Record<string, unknown>[];
    this.#role = (row.role as string | null | undefined) ?? null;
    this.#server = identityOf(row, this.#threadId);
  }

  async #refuseSurvivors(): Promise<void> {
    const [row] = (await this.#ask(SURVIVORS)) as { role: string | null; profiles: number }[];
    if ((row?.role ?? null) !== this.#role) throw new Error('the session has taken on a role');
    if (Number(row?.profiles) !== 0) throw new Error('its statements were profiled');
  }

  #ask(sql: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#raw.query({ sql, ...PLAIN_ROWS }, (error, result) => (error ? reject(error) : resolve(result)));
    });
  }
}
