import { HandbackError } from './errors.js';
import type { ScopeSettings } from './options.js';
import type { Session } from './session.js';
import { mentions, type ReadText } from './sql.js';

const NONE: readonly string[] = [];

/** Which statements make sense after the end of their request, on a connection of their own. */
export class LateRules {
  #altered = false;
  #temporaryTables = NONE;

  /** The request's session is about to be given back: what it had set is gone then. */
  remember(session: Session): void {
    this.#altered ||= session.changes.altered;
    if (session.changes.temporaryTables.length > 0) {
      this.#temporaryTables = [...this.#temporaryTables, ...session.changes.temporaryTables];
    }
  }

  refusal(
    { text: sql, shape, carriesSql }: ReadText & { readonly carriesSql: boolean },
    afterResponse: ScopeSettings['afterResponse'],
  ): HandbackError | null {
    if (afterResponse !== 'allow') return lateWorkForbidden();
    if (carriesSql || shape.needsSession)
      return this.ended('This statement needs the session of its request');
    if (this.#altered)
      return this.ended('Its request had changed the session (SET, USE, LOCK TABLES, …), which is gone');
    const table = this.#temporaryTables.find((name) => mentions(sql, name));
    return table === undefined ? null : this.ended(`It names the temporary table ${table}, which is gone`);
  }

  ended(why: string): HandbackError {
    return new HandbackError(
      'SCOPE_ENDED',
      `${why}, and the request (or job) has ended. Do it before its end, or use transaction(fn), which works late too.`,
    );
  }
}

export function lateWorkForbidden(): HandbackError {
  return new HandbackError(
    'SCOPE_ENDED',
    'The request (or job) has ended, and late work is not allowed here (option afterResponse).',
  );
}
