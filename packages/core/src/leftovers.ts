import type { Answer } from './answer.js';
import type { SqlShape } from './sql.js';

/**
 * What plain statements leave behind on a connection, and only a few statements can see: the last insert id, the
 * warnings, the counts of rows. Cleaning it up after each lease would cost a round trip each time, so it is done
 * before the first statement that could see what an earlier lease has left.
 */
export class Leftovers {
  #insertId = false;
  #warnings = false;
  #counts = false;
  /** This lease has generated an insert id, which its owner may still ask for. */
  unread = false;

  /** A lease begins, on a session that has served others since it was clean. */
  inherit(used: boolean): void {
    this.#insertId = used;
    this.#warnings = used;
    this.#counts = used;
    this.unread = false;
  }

  /** Whether this statement could see what is not its owner's. */
  exposedBy(shape: SqlShape): boolean {
    const { reads, plain, changesSession, compound } = shape;
    const asks = reads.insertId || reads.warnings || reads.counts;
    // Stored code may read them as well; SET, USE and their like may not. What asks for one by name is no such code:
    // clearing the others for it would take from its owner what is their own.
    const code = !plain && (compound || !(changesSession || asks));
    return (
      (this.#insertId && (reads.insertId || code)) ||
      (this.#warnings && (reads.warnings || code)) ||
      (this.#counts && (reads.counts || code))
    );
  }

  /** What this lease's own statement leaves takes the place of what was there. */
  answered(answer: Answer): void {
    if (Number(answer.insertId) !== 0) {
      this.#insertId = false;
      this.unread = true;
    }
    // A statement without tables and without warnings of its own leaves the old ones.
    if (answer.warnings > 0) this.#warnings = false;
    this.#counts = false;
  }

  /** An error takes the place of the warnings. */
  failed(): void {
    this.#warnings = false;
    this.#counts = false;
  }

  /**
   * The statement that clears what is not the owner's, and keeps an insert id and warnings that are: LAST_INSERT_ID(0)
   * sets the first, a statement that reads a table clears the second. The counts are those of its own one row.
   */
  get clearing(): string {
    const select = this.#insertId ? 'SELECT LAST_INSERT_ID(0)' : 'SELECT 0';
    return this.#warnings ? `${select} FROM information_schema.ENGINES LIMIT 1` : select;
  }

  /** They are gone. */
  forgotten(): void {
    this.#insertId = false;
    this.#warnings = false;
    this.#counts = false;
  }
}
