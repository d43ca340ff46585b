import { HandbackError } from './errors.js';

// What statements are refused with, in words for the one who sent them. All of it is safe to show.

export function leaseReleased(takenAway: boolean): HandbackError {
  const why = takenAway ? 'was held for longer than maxHoldMs and taken away' : 'has been given back';
  return new HandbackError('LEASE_RELEASED', `This connection ${why}; the statement was not sent.`);
}

export function queryTimedOut(limitMs: number): HandbackError {
  return new HandbackError(
    'QUERY_TIMEOUT',
    `The statement ran for longer than its limit of ${limitMs} ms (queryTimeoutMs, or its own timeout) and is being killed; what it did until then is not known.`,
  );
}

export function commitUnanswered(cause?: unknown): HandbackError {
  return new HandbackError(
    'OUTCOME_UNKNOWN',
    'The connection was lost during COMMIT: the transaction may or may not have been committed.',
    cause === undefined ? {} : { cause },
  );
}

export function nested(): HandbackError {
  return new HandbackError(
    'TRANSACTION_NESTED',
    'A transaction is already open on this connection, and a second BEGIN would commit it. Inside transaction(fn) use tx.transaction().',
  );
}

/** `commit()` or `rollback()` while a `transaction(fn)` is at work. */
export function endsByItself(): HandbackError {
  return new HandbackError(
    'TRANSACTION_NESTED',
    'transaction(fn) commits by itself when fn has succeeded, and rolls back when it throws.',
  );
}

/** `commit()`, `beginTransaction()` or `release()` where the route has a transaction of its own. */
export function decidedByAnswer(): HandbackError {
  return new HandbackError(
    'TRANSACTION_NESTED',
    'This request runs in a transaction (option transaction): its answer commits it, or rolls it back when the status is 400 or more. rollback() undoes what was done so far; transaction(fn) makes a savepoint.',
  );
}

/** Options of a `transaction(fn)` there. */
export function optionsOfSavepoint(): HandbackError {
  return new HandbackError(
    'TRANSACTION_NESTED',
    'This request runs in a transaction (option transaction), of which transaction(fn) is a savepoint: it takes no isolation, readOnly or retries. Give the route the first two; a deadlock undoes the whole request.',
  );
}

/** The first query of a request that is to run in a transaction. */
export function answerBegun(): HandbackError {
  return new HandbackError(
    'TRANSACTION_TOO_LATE',
    'This request runs in a transaction (option transaction), and its answer has begun to leave: a failing COMMIT could no longer change it. Query before answering, or set transaction: false for this route. Once the answer has ended, transaction(fn) is one of its own.',
  );
}

/** A later one. */
export function answered(): HandbackError {
  return new HandbackError(
    'TRANSACTION_TOO_LATE',
    'The transaction of this request was decided with its answer: the statement was not sent. Do it before answering, or after it in a transaction(fn) of its own.',
  );
}

export function connectionLost(): HandbackError {
  return new HandbackError('CONNECTION_LOST', 'The connection was lost; the statement was not sent.');
}

/** It was killed for the sake of its connection. */
export function cancelled(cause?: unknown): HandbackError {
  return new HandbackError(
    'QUERY_CANCELLED',
    'The statement was cancelled, since its connection was needed back: its request had ended (drainTimeoutMs), its client had left (afterResponse), or the connection was given back or held for too long (maxHoldMs).',
    cause === undefined ? {} : { cause },
  );
}

/** It waited for the end of a stream, which waits for its reader. */
export function streamOpen(stallMs: number): HandbackError {
  return new HandbackError(
    'STREAM_OPEN',
    `A stream is open on this connection and its reader has taken no row for ${stallMs} ms; the statement, which has to wait for its end, was not sent. Instead of a query inside a loop over a stream, read the rows first (toArray()), or query through the pool, on a second connection.`,
  );
}

/** Nothing but its reader will give the connection of a late stream back. */
export function lateReaderStopped(stallMs: number): HandbackError {
  return new HandbackError(
    'QUERY_CANCELLED',
    `The reader of this stream, which was begun after the end of its request, has taken no row for ${stallMs} ms (drainTimeoutMs). For slow work on each row read the rows first (toArray()), or stream through the pool.`,
  );
}

/** A stream was left open when the `transaction(fn)` that it belongs to had ended. */
export function streamOutlived(): HandbackError {
  return new HandbackError(
    'SCOPE_ENDED',
    'The transaction of this stream has ended, and its reader takes no rows: read it inside transaction(fn).',
  );
}

/** What `transaction(fn)` gave to `fn` was used when `fn` had settled. */
export function transactionEnded(): HandbackError {
  return new HandbackError('SCOPE_ENDED', 'This transaction has ended; the statement was not sent.');
}

/** Nobody is told: its caller has gone. */
export function notWanted(): HandbackError {
  return new HandbackError('QUERY_CANCELLED', 'The statement was given up before it was sent.');
}

/** The transaction is certainly undone. */
export function rolledBack(cause?: unknown): HandbackError {
  return new HandbackError(
    'TRANSACTION_ROLLED_BACK',
    'The transaction is no longer open: it was rolled back.',
    cause === undefined ? {} : { cause },
  );
}

/** Between two attempts of `transaction(fn, { retries })`. */
export function betweenAttempts(): HandbackError {
  return new HandbackError(
    'TRANSACTION_ROLLED_BACK',
    'The transaction was rolled back and is about to be run again; the statement was not sent. Inside transaction(fn) use tx.',
  );
}

/** A statement has ended the transaction, and such statements (DDL, COMMIT, procedures) mostly commit. */
export function endedByStatement(cause?: unknown): HandbackError {
  return new HandbackError(
    'OUTCOME_UNKNOWN',
    'A statement has ended the transaction: what ran before it may have been committed.',
    cause === undefined ? {} : { cause },
  );
}

export function routeOptedOut(route: string): HandbackError {
  return new HandbackError(
    'ROUTE_OPTED_OUT',
    `${route} is opted out of Handback; use the pool itself, or opt it in.`,
  );
}

export function clientGone(): HandbackError {
  return new HandbackError('CLIENT_GONE', 'The client left before a connection was free; nothing was sent.');
}

/** Why the `signal` of a request was aborted. */
export function leftUnanswered(): HandbackError {
  return new HandbackError('CLIENT_GONE', 'The client left before it was answered.');
}

/** The connection went back by itself while the request still had it. */
export function resultsHandedBack(): HandbackError {
  return new HandbackError(
    'CONNECTION_LOST',
    'The connection went back after it was unused for idleHandBackMs, and with it what this statement asks for (LAST_INSERT_ID, warnings, row counts).',
  );
}

export function resultsLost(): HandbackError {
  return new HandbackError(
    'CONNECTION_LOST',
    'The connection was lost, and with it what this statement asks for (LAST_INSERT_ID, warnings, row counts).',
  );
}

export function stateLost(): HandbackError {
  return new HandbackError(
    'CONNECTION_LOST',
    'The connection was lost, and with it session state that this request had set; call release() to go on with a new one.',
  );
}

export function rolledBackWith(why: string): HandbackError {
  return new HandbackError(
    'TRANSACTION_ROLLED_BACK',
    `The transaction was rolled back ${why}. Nothing more is sent until rollback() is called.`,
  );
}

/** A stream factory makes sense only where the server may ask for files. */
export function filesAreOff(option: string): HandbackError {
  return new HandbackError(
    'INVALID_OPTION',
    `Option '${option}' needs the flag LOCAL_FILES in 'connection.flags', which is off: with it the server may ask for files of this machine.`,
  );
}
