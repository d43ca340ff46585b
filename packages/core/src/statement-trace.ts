import { type QueryTrace, traceBegins, traceEnds } from './channels.js';
import type { Entry } from './entry.js';
import type { LeaseFacts } from './events.js';
import { maskValues } from './mask.js';
import type { Dialect } from './queryable.js';
import type { TrackedStatement } from './statement.js';

/** What those who trace queries are given. Its text is masked when they read it. */
class Message implements QueryTrace {
  readonly pool: string;
  readonly prepared: boolean;
  readonly database: string | undefined;
  address: QueryTrace['address'];
  holder: LeaseFacts | undefined;
  connection: number | undefined;
  error: unknown;
  readonly #dialect: Dialect;
  readonly #text: string;
  #masked: string | undefined;

  constructor(dialect: Dialect, { prepared, text }: TrackedStatement) {
    this.pool = dialect.pool;
    this.database = dialect.database;
    this.#dialect = dialect;
    this.prepared = prepared;
    this.#text = text;
  }

  /** The first connection may come while the statement waits for it. */
  get system(): QueryTrace['system'] {
    return this.#dialect.system;
  }

  get statement(): string {
    this.#masked ??= maskValues(this.#text);
    return this.#masked;
  }
}

/** One statement, from its caller to its answer. */
export class StatementTrace {
  readonly #message: Message;

  constructor(message: Message) {
    this.#message = message;
  }

  /** It has got a connection; of one that is sent again, the last. */
  on(entry: Entry): void {
    this.#message.holder = entry.facts;
    this.#message.connection = entry.id;
    this.#message.address = entry.connection?.address;
  }

  ended(error: unknown): void {
    traceEnds('query', this.#message, error);
  }
}

/** Submits a statement, of which whoever traces those is told. To be called while its caller is on the stack. */
export function tracedFrom(
  dialect: Dialect,
  statement: TrackedStatement,
  submit: () => void,
  entry?: Entry,
): void {
  const message = new Message(dialect, statement);
  statement.trace = new StatementTrace(message);
  if (entry) statement.trace.on(entry);
  traceBegins('query', message, submit);
}
