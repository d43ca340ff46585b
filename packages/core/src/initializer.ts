import type { Driver, DriverConnection, Survey } from './driver.js';
import type { Knowledge } from './knowledge.js';
import { outsideRequests } from './neutral.js';
import { carryOut } from './on-connect.js';
import type { OnConnect } from './options.js';
import type { Dialect } from './queryable.js';
import { question } from './statement.js';

export interface InitializerParts {
  readonly driver: Driver;
  readonly dialect: Dialect;
  readonly onConnect: OnConnect | undefined;
  readonly knowledge: Knowledge;
  /** The server and its schema have been looked at. */
  onSurveyed(survey: Survey): void;
}

/** What is done on a connection before anybody gets it: `onConnect`, and a look around where that is due. */
export class Initializer {
  readonly #parts: InitializerParts;
  #looking = false;

  constructor(parts: InitializerParts) {
    this.#parts = parts;
  }

  /**
   * After the handshake. Rejects when the connection must not be used; else tells whether it is in autocommit, which
   * `onConnect` may have turned off. `urgent`: the look around is left to somebody else, who has more time.
   */
  async initialize(connection: DriverConnection, urgent = false): Promise<boolean> {
    const { onConnect, dialect, knowledge } = this.#parts;
    let autocommit = true;
    if (onConnect !== undefined) {
      autocommit = await carryOut(onConnect, connection, dialect);
    }
    await connection.settled();
    if (urgent && knowledge.isStale) knowledge.forget();
    else await this.surveyIfDue(connection);
    return autocommit;
  }

  /** What a reset has to run again; null = nothing. */
  replayOn(connection: DriverConnection): (() => Promise<void>) | null {
    const { onConnect, dialect } = this.#parts;
    if (onConnect === undefined) return null;
    return () =>
      outsideRequests(async () => {
        await carryOut(onConnect, connection, dialect);
      });
  }

  async surveyIfDue(connection: DriverConnection): Promise<void> {
    const { driver, knowledge, onSurveyed } = this.#parts;
    // One of several that are opened at once is enough, and the others need not wait for it.
    if (!knowledge.isStale || this.#looking) return;
    this.#looking = true;
    const learn = knowledge.looking(connection.greeting);
    try {
      const survey = await driver.survey(async (sql) => {
        const call = question(sql);
        connection.run(call);
        const [rows] = (await call.promise) as [Record<string, unknown>[]];
        return rows;
      });
      learn(survey);
      onSurveyed(survey);
    } catch (error) {
      knowledge.lookFailed();
      throw error;
    } finally {
      this.#looking = false;
    }
  }
}
