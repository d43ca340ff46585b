import { AUTOCOMMIT, answerOf, IN_TRANSACTION } from './answer.js';
import type { DriverConnection } from './driver.js';
import { asError } from './errors.js';
import type { NewConnection, OnConnect } from './options.js';
import { type Dialect, Queryable } from './queryable.js';
import { StreamedStatement } from './row-stream.js';
import { Call, type TrackedStatement } from './statement.js';

/** A connection that is being set up: statements go straight to it, and only now. */
class ConnectionInSetup extends Queryable implements NewConnection {
  protected readonly dialect: Dialect;
  readonly #connection: DriverConnection;
  #over = false;

  constructor(connection: DriverConnection, dialect: Dialect) {
    super();
    this.#connection = connection;
    this.dialect = dialect;
  }

  /** The server's id of the session (`CONNECTION_ID()`). */
  get threadId(): number {
    return this.#connection.threadId;
  }

  protected submit(statement: TrackedStatement): void {
    if (this.#over) statement.settle(new Error('onConnect is over: its connection may be in use by others'));
    else if (statement instanceof StreamedStatement) statement.reading = this.#connection.stream(statement);
    else this.#connection.run(statement);
  }

  /** Whoever kept it can't touch the next holder's session. */
  close(): void {
    this.#over = true;
  }
}

/**
 * Carries out `onConnect`; tells whether autocommit is on afterwards. Rejects with what it throws, or when it leaves a
 * transaction open.
 */
export async function carryOut(
  onConnect: OnConnect,
  connection: DriverConnection,
  dialect: Dialect,
): Promise<boolean> {
  const fresh = new ConnectionInSetup(connection, dialect);
  try {
    if (typeof onConnect === 'function') await onConnect(fresh);
    else for (const sql of [onConnect].flat()) await fresh.query(sql as string);
    return await leavesAutocommit(connection);
  } catch (error) {
    throw asError(error);
  } finally {
    fresh.close();
  }
}

/** An OK packet tells how the session stands, whatever was done, and failed, before it. */
async function leavesAutocommit(connection: DriverConnection): Promise<boolean> {
  const call = new Call(false, 'DO 0', undefined);
  connection.run(call);
  const [result] = (await call.promise) as [unknown];
  const { flags = AUTOCOMMIT } = answerOf(result, null);
  if ((flags & IN_TRANSACTION) !== 0) throw new Error('onConnect has left a transaction open');
  return (flags & AUTOCOMMIT) !== 0;
}
