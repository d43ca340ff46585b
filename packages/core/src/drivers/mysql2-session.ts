import mysql from 'mysql2';
import type { Pipelining, RawConnection, ResetOptions } from '../driver.js';
import { IDENTITY, identityOf } from '../server-identity.js';
import { PLAIN_ROWS } from '../statement.js';
import { charsetOf, collationOf } from './mysql2-charsets.js';
import { type Internals, internals } from './mysql2-internals.js';
import { type Outcome, pipeline, RESET_COMMAND, statementCommand } from './mysql2-pipeline.js';

/** What a reset leaves, and procedures, functions and triggers can bring about. */
const SURVIVORS =
  'SELECT CURRENT_ROLE() AS role, (SELECT COUNT(*) FROM information_schema.PROFILING) AS profiles';
/** Session tracking beyond the schema and a few variables; a reset turns it off again. */
const TRACK_CHANGES = 'SET SESSION session_track_state_change = 1';
const TRACK_COMMAND = statementCommand(TRACK_CHANGES);
const ROLE = 'SELECT CURRENT_ROLE() AS role';
const ROLE_AND_SERVER = `${ROLE}, ${IDENTITY}`;
const ROLE_COMMAND = statementCommand(ROLE);
const ROLE_AND_SERVER_COMMAND = statementCommand(ROLE_AND_SERVER);
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
  readonly #pipelining: Pipelining | undefined;
  /** What the handshake agreed on, and MariaDB's reset restores. */
  readonly #openedCharset: number;
  /** What it is meant to be, after `onConnect`. */
  #charset: number;
  #role: string | null = null;
  #changesTracked = false;
  /** It was asked when it was opened, and nothing was set since. */
  #learned = false;
  #server: string | null = null;

  constructor(raw: RawConnection, serverVersion: string, threadId: number, pipelining?: Pipelining) {
    this.#raw = raw;
    this.#config = internals(raw).config;
    this.#openedCharset = this.#config.charsetNumber;
    this.#charset = this.#config.charsetNumber;
    this.#isMariaDb = /mariadb/i.test(serverVersion);
    this.#version = serverVersion;
    this.#threadId = threadId;
    this.#pipelining = pipelining;
  }

  /** To be called first. `settlesAtOnce`: nothing will be set before it is `settled`. */
  async begin(settlesAtOnce: boolean): Promise<void> {
    if (!this.#isMariaDb) return;
    if (!settlesAtOnce || !this.#mayPipeline) return this.#trackChanges();
    const unnamed = nameless.has(this.#version);
    const [tracking, answer] = await this.#pipeline(
      TRACK_COMMAND,
      unnamed ? ROLE_COMMAND : ROLE_AND_SERVER_COMMAND,
    );
    this.#changesTracked = isTaken(tracking as Outcome);
    this.#learned = this.#hasLearned(answer as Outcome);
  }

  /**
   * MariaDB then reports every change of a variable, a temporary table, a prepared statement or the schema, in
   * stored code too. MySQL's version of it was not tried.
   */
  async #trackChanges(): Promise<void> {
    this.#changesTracked = await this.#ask(TRACK_CHANGES).then(
      () => true,
      (error: Error) => isTaken(error),
    );
  }

  /** @returns false where it has to be asked in another way */
  #hasLearned(answer: Outcome): boolean {
    if (answer instanceof Error) {
      if (!isNameless(answer)) throw answer;
      nameless.add(this.#version);
      return false;
    }
    const [role = null, identity] = answer[0] ?? [];
    this.#role = role;
    this.#server = identityOf(identity, this.#threadId);
    return true;
  }

  /** Its texts are UTF-8, and with compression the packets are counted in another way. */
  get #mayPipeline(): boolean {
    const { compress } = this.#config;
    const { remotePort } = internals(this.#raw).stream;
    return (
      this.#isMariaDb &&
      !compress &&
      charsetOf(this.#openedCharset).startsWith('utf8') &&
      this.#pipelining?.allows(remotePort) === true
    );
  }

  #pipeline(...commands: Buffer[]): Promise<Outcome[]> {
    return pipeline(this.#raw, commands).catch((error) => {
      this.#pipelining?.failed();
      throw error;
    });
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
    if (this.#isMariaDb && !this.#learned) await this.#learn();
    this.#learned = false;
  }

  async reset({ restoreSchema, checkSurvivors, rollBackFirst, replay }: ResetOptions): Promise<void> {
    const config = this.#config;
    // Refused in an XA transaction, after which a reset leaves a session without InnoDB.
    if (rollBackFirst) await this.#ask('ROLLBACK');
    const use = restoreSchema && config.database ? `USE ${mysql.escapeId(config.database, true)}` : null;
    if (this.#mayPipeline) await this.#resetInOneGo(use);
    else await this.#resetStepByStep(use);
    await replay?.();
    // MariaDB keeps both over a reset.
    if (checkSurvivors && this.#isMariaDb) await this.#refuseSurvivors();
    if (this.charsetChanged()) throw new Error('the character set is not what it was');
  }

  async #resetInOneGo(use: string | null): Promise<void> {
    const commands = [RESET_COMMAND];
    if (use !== null) commands.push(statementCommand(use));
    const rest = commands.length;
    if (this.#changesTracked) commands.push(TRACK_COMMAND);
    const outcomes = await this.#pipeline(...commands);
    // They are gone from the server.
    internals(this.#raw)._statements.clear();
    this.#config.charsetNumber = this.#openedCharset;
    for (const outcome of outcomes.slice(0, rest)) if (outcome instanceof Error) throw outcome;
    if (this.#changesTracked) this.#changesTracked = isTaken(outcomes[rest] as Outcome);
  }

  async #resetStepByStep(use: string | null): Promise<void> {
    await this.#resetSession();
    this.#config.charsetNumber = this.#openedCharset;
    // MariaDB's reset restores the handshake's character set, MySQL's takes the global one.
    if (!this.#isMariaDb) {
      const [charset, collation] = [charsetOf(this.#openedCharset), collationOf(this.#openedCharset)];
      await this.#ask(`SET NAMES ${charset} COLLATE ${collation}`);
    }
    if (use !== null) await this.#ask(use);
    if (this.#changesTracked) await this.#trackChanges();
  }

  #resetSession(): Promise<void> {
    const raw = this.#raw as unknown as { reset(done: (error: Error | null) => void): void };
    return new Promise((resolve, reject) => {
      raw.reset((error) => (error ? reject(error) : resolve()));
    });
  }

  /** The role, and in the same round trip which server this is. */
  async #learn(): Promise<void> {
    const both = nameless.has(this.#version) ? ROLE : ROLE_AND_SERVER;
    const [row = {}] = (await this.#ask(both).catch((error: Error) => {
      if (!isNameless(error)) throw error;
      nameless.add(this.#version);
      return this.#ask(ROLE);
    })) as Record<string, unknown>[];
    this.#role = (row.role as string | null | undefined) ?? null;
    this.#server = identityOf(row.identity, this.#threadId);
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

/** What a server, or a proxy, refuses that doesn't know the variable: the reading of the SQL has to do. */
function isTaken(outcome: Outcome): boolean {
  if (!(outcome instanceof Error)) return true;
  if ((outcome as { sqlState?: string }).sqlState === undefined) throw outcome;
  return false;
}

function isNameless(error: Error & { errno?: number }): boolean {
  return error.errno === ER_UNKNOWN_SYSTEM_VARIABLE;
}
