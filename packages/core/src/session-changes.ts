import type { ReadText, SqlShape } from './sql.js';

/** Why a plain statement may have reached stored code: it is not known yet what there is. */
export const NOBODY_LOOKED = 'the schema has not been looked at';
/** Of more than that it does not matter any more why. */
const UNSEEN_KEPT = 20;

/** What the session's surroundings add to the reading of a statement. */
export interface Surroundings {
  /** Why a statement that looks plain may run code that is stored in the schema; null = it can't. */
  reached(sql: string, shape: SqlShape): string | null;
  /** A statement changes, or has changed, what is stored there. */
  schemaChanged(): void;
  /** How often that was said. */
  readonly schemaChanges: number;
}

export const NOTHING_STORED: Surroundings = {
  reached: () => null,
  schemaChanged: () => {},
  schemaChanges: 0,
};

/** What the statements of a session have changed in it since it was last clean, its transactions aside. */
export class SessionChanges {
  /** A KILL was sent to a statement of it; should it come too late, the reset is what it hits. */
  killed = false;
  /** Changed what later statements mean: on another connection they would mean something else. */
  altered = false;
  readonly temporaryTables: string[] = [];
  /** The default schema may no longer be the configured one. */
  schemaChanged = false;
  /** It took on another role, which no reset undoes. */
  roleChanged = false;
  /** Why a reset would not make it clean; null = it would. */
  unresettable: string | null = null;
  /** What ran can't be read from the text: several statements in one, stored code, SQL in the values. */
  opaque = false;
  readonly #surroundings: Surroundings;
  #dirty: string | null = null;
  /** Plain statements that ran before anybody had looked at the schema. */
  readonly #unseen: ReadText[] = [];
  /** `schemaChanges` before the first statement of this lease; null = there was none. */
  #schemaSeen: number | null = null;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** Why the session must be reset before anybody else uses it; null = plain statements only. */
  get dirty(): string | null {
    if (this.#dirty !== null) return this.#dirty;
    if (this.#unseen.length > 0) return NOBODY_LOOKED;
    return this.killed ? 'a statement was killed' : null;
  }

  /** The first reason stays. */
  stain(why: string): void {
    this.#dirty ??= why;
  }

  /**
   * Whether its owner would lose nothing with it. What ran before anybody had looked at the schema is judged by what is
   * known of it now.
   */
  get holdNothing(): boolean {
    const reached = ({ text, shape }: ReadText) => this.#surroundings.reached(text, shape) !== null;
    return this.#dirty === null && !this.#unseen.some(reached);
  }

  /** A trigger may have run that was not there when the statement was looked at. */
  get schemaMoved(): string | null {
    const { schemaChanges } = this.#surroundings;
    return this.#schemaSeen === null || this.#schemaSeen === schemaChanges
      ? null
      : 'the schema was changed while it was in use';
  }

  /** Somebody else has it from here on. With `reset: 'rollback'` what was set stays, and is nobody's in particular. */
  beginLease(): void {
    this.#dirty = null;
    this.#unseen.length = 0;
    this.#schemaSeen = null;
    this.killed = false;
    this.altered = false;
    this.temporaryTables.length = 0;
  }

  /** Everything is as after the handshake. */
  wereReset(): void {
    this.beginLease();
    this.schemaChanged = false;
    this.opaque = false;
  }

  /** Any statement is about to be sent. Others may get to run before it is answered, and before or after it on the server. */
  willRun(shape: SqlShape): void {
    if (shape.definesRoutines) this.#surroundings.schemaChanged();
    this.#schemaSeen ??= this.#surroundings.schemaChanges;
  }

  /** One that looks plain, but may reach stored code. */
  willRunPlain({ text, shape }: ReadText): void {
    if (this.opaque && this.#dirty !== null) return;
    const why = this.#surroundings.reached(text, shape);
    if (why === null) return;
    this.opaque = true;
    if (why === NOBODY_LOOKED && this.#unseen.length < UNSEEN_KEPT) this.#unseen.push({ text, shape });
    else this.stain(why);
  }

  /** One that may change the session. */
  willChange({ text, shape }: ReadText, carriesSql: boolean): void {
    this.stain('it ran a statement that may change the session');
    if (shape.compound || shape.runsStoredCode || carriesSql) this.opaque = true;
    if (shape.changesSession) this.altered = true;
    if (shape.selectsSchema) this.schemaChanged = true;
    if (shape.changesRole) this.roleChanged = true;
    this.unresettable ??= survivorOf(text, shape);
    if (shape.temporaryTable !== undefined) this.temporaryTables.push(shape.temporaryTable);
  }
}

/**
 * What COM_RESET_CONNECTION leaves behind (MariaDB 10.11): a prepared XA transaction, after which no InnoDB table can be
 * used on the session; and the profiles, with the texts of the statements.
 */
function survivorOf(sql: string, { changesSession }: SqlShape): string | null {
  if (/\bxa\b/i.test(sql)) return 'it took part in an XA transaction';
  return changesSession && /\bprofiling/i.test(sql) ? 'its statements were profiled' : null;
}
