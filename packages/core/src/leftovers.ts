import type { Answer } from './answer.js';
import type { SqlShape } from './sql.js';

/**
 * What plain statements leave behind on a connection, and only a few statements can see: the last insert id, the
 * warnings, the counts of rows. Cleaning it up after each lease would cost a round trip each time, so it is done
 * before the first statement that could see what an earlier lease has left.
 */
export class Leftovers {
  #insertId = false;
  /** What this lease has generated or named itself, the newest ones, while `#insertId` is open. */
  readonly #ownIds: string[] = [];
  #warnings = false;
  #counts = false;
  /** This lease has generated an insert id, which its owner may still ask for. */
  unread = false;

  /**
   * A lease begins. `used`: the session has served others since it was clean; `everUsed`: the connection has, and a
   * reset does not clear FOUND_ROWS().
   */
  inherit(used: boolean, everUsed: boolean): void {
    this.#insertId = used;
    this.#ownIds.length = 0;
    this.#warnings = used;
    this.#counts = everUsed;
    this.unread = false;
  }

  get any(): boolean {
    return this.#insertId || this.#warnings || this.#counts;
  }

  /**
   * What has to be cleared before a statement that may see what is not its owner's; null = nothing. The counts and the
   * warnings can be cleared together only, and not once this lease has counts of its own that the statement may ask for.
   */
  clearBefore({ reads, hidesInsertId }: SqlShape, runsStoredCode: boolean): string | null {
    const insertId = this.#insertId && (reads.insertId || hidesInsertId || runsStoredCode);
    const asksForCounts = reads.counts || runsStoredCode;
    const rest = this.#counts
      ? asksForCounts || (this.#warnings && reads.warnings)
      : this.#warnings && reads.warnings && !asksForCounts;
    if (!insertId && !rest) return null;
    // Nothing of its own is there yet: all goes at once.
    if (this.#counts) return this.#insertId ? `SELECT LAST_INSERT_ID(0) ${FROM_A_TABLE}` : CLEAR_REST;
    if (!insertId) return CLEAR_REST;
    return rest ? `SELECT ${this.#ownIdOr0()} ${FROM_A_TABLE}` : `${CLEAR_INSERT_ID} ${this.#ownIdOr0()}`;
  }

  #ownIdOr0(): string {
    const own = this.#ownIds.join();
    return own
      ? `LAST_INSERT_ID(IF(LAST_INSERT_ID() IN (${own}), LAST_INSERT_ID(), 0))`
      : 'LAST_INSERT_ID(0)';
  }

  /** What this lease's own statement leaves takes the place of what was there. */
  answered(answer: Answer, { hidesInsertId }: SqlShape): void {
    if (hidesInsertId) this.unread = true;
    this.#remember(answer.insertId);
    // A statement without tables and without warnings of its own leaves the old ones.
    if (answer.warnings > 0) this.#warnings = false;
    this.#counts = false;
  }

  /**
   * The answer also tells an id that the statement named or met (`ON DUPLICATE KEY UPDATE`), which does not become the
   * last insert id.
   */
  #remember(id: Answer['insertId']): void {
    if (Number(id) === 0) return;
    this.unread = true;
    if (!this.#insertId) return;
    // The driver has rounded it: there is nothing to compare with.
    if (typeof id === 'number' && !Number.isSafeInteger(id)) this.#insertId = false;
    else if (this.#ownIds.push(String(id)) > OWN_IDS) this.#ownIds.shift();
  }

  /** An error takes the place of the warnings. */
  failed(): void {
    this.#warnings = false;
    this.#counts = false;
  }

  /** What {@link clearBefore} asked for was done. */
  cleared(by: string): void {
    if (by !== CLEAR_REST) this.#insertId = false;
    if (by.startsWith(CLEAR_INSERT_ID)) return;
    this.#warnings = false;
    this.#counts = false;
  }
}

// Each works inside a transaction too. A statement that reads a table takes the place of the warnings, and its one row
// that of the counts.
const CLEAR_INSERT_ID = 'DO';
const FROM_A_TABLE = 'FROM information_schema.ENGINES LIMIT 1';
const CLEAR_REST = `SELECT 0 ${FROM_A_TABLE}`;

/** Of more than that the oldest are forgotten: whoever asks for them gets 0. */
const OWN_IDS = 100;
