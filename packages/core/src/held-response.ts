import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { asError } from './errors.js';
import type { Decided } from './lifecycle.js';

/** What only the framework can do for a route's transaction. */
export interface AnswerGate {
  /** Remembers the headers that the framework keeps beside the raw response; the returned function restores them. */
  remember?(): () => void;
  /** COMMIT has failed and nothing has left: answers with the framework's own error. */
  fail(error: Error): void;
}

type Method = (...args: unknown[]) => unknown;
const HELD = ['writeHead', 'flushHeaders', 'write', 'end'] as const;
type Name = (typeof HELD)[number];

interface Head {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
  readonly headers: OutgoingHttpHeaders;
}

/** A whole answer, ready to leave. */
interface Answer {
  readonly head: Head;
  readonly writeHead: unknown[] | null;
  readonly chunk: unknown[] | null;
  readonly end: unknown[];
}

/**
 * An answer that must not leave before its transaction is decided. Nothing of it is sent before COMMIT has been
 * answered if it comes as a whole; of one that is written piece by piece the last piece, and its end.
 *
 * The answer can still be replaced by an error's, until COMMIT is on its way.
 */
export class HeldResponse {
  readonly #res: ServerResponse<IncomingMessage>;
  readonly #transaction: Decided;
  readonly #gate: AnswerGate | undefined;
  readonly #soon: (fn: () => void) => void;
  readonly #inner = {} as Record<Name, Method>;
  readonly #before: Head;
  readonly #restoreFramework: (() => void) | undefined;
  /** From here on everything passes. */
  #open = false;
  /** Something has left: the answer is written piece by piece. */
  #begun = false;
  #writeHead: unknown[] | null = null;
  /** The last piece, which leaves with the next one. */
  #chunk: unknown[] | null = null;
  #answer: Answer | null = null;
  #deciding = false;

  constructor(
    res: ServerResponse<IncomingMessage>,
    transaction: Decided,
    gate: AnswerGate | undefined,
    soon: (fn: () => void) => void,
  ) {
    this.#res = res;
    this.#transaction = transaction;
    this.#gate = gate;
    this.#soon = soon;
    this.#before = headOf(res);
    this.#restoreFramework = gate?.remember?.();
    const held: Record<Name, Method> = {
      writeHead: (...args) => this.#holdHead(args),
      flushHeaders: () => this.#holdHeaders(),
      write: (...args) => this.#holdChunk(args),
      end: (...args) => this.#holdEnd(args),
    };
    for (const name of HELD) {
      this.#inner[name] = res[name] as Method;
      const through = (...args: unknown[]) =>
        this.#passes ? this.#inner[name].apply(res, args) : held[name](...args);
      (res as unknown as Record<Name, Method>)[name] = through;
    }
  }

  /** The framework has seen to the decision itself, or there is nothing more to decide. */
  get #passes(): boolean {
    return this.#open || (this.#transaction.isDecided && !this.#deciding && this.#answer === null);
  }

  /** The headers and the status are as they were before the first query. */
  restore(): void {
    if (this.#res.headersSent) return;
    putHead(this.#res, this.#before);
    this.#restoreFramework?.();
    this.#writeHead = null;
    this.#chunk = null;
  }

  #holdHead(args: unknown[]): unknown {
    this.#startOver();
    if (this.#deciding) return this.#res;
    // Held or not, the status is to be seen.
    if (typeof args[0] === 'number') this.#res.statusCode = args[0];
    this.#writeHead = args;
    return this.#res;
  }

  #holdHeaders(): void {
    if (!this.#isEventStream || this.#answer) return;
    this.#begin();
    this.#pass('flushHeaders', []);
  }

  #holdChunk(args: unknown[]): boolean {
    this.#startOver();
    if (this.#deciding || this.#answer) return false;
    if (this.#isEventStream) return this.#send(args);
    const before = this.#chunk;
    this.#chunk = args;
    // Nobody would ever say `drain` for what was not written.
    return before === null ? true : this.#send(before);
  }

  #holdEnd(args: unknown[]): unknown {
    this.#startOver();
    if (this.#deciding || this.#answer) return this.#res;
    const head = headOf(this.#res);
    this.#answer = { head, writeHead: this.#writeHead, chunk: this.#chunk, end: args };
    // An error that is thrown right behind it still counts.
    if (this.#res.statusCode >= 400) this.#decide();
    else this.#soon(() => this.#decide());
    return this.#res;
  }

  /** A second answer after the first: an error handler's. It takes the place of the first as long as it can. */
  #startOver(): void {
    if (!this.#answer || this.#deciding || this.#begun) return;
    this.#answer = null;
    this.#writeHead = null;
    this.#chunk = null;
  }

  get #isEventStream(): boolean {
    const type = String(this.#res.getHeader('content-type') ?? '');
    return `${type} ${JSON.stringify(this.#writeHead)}`.includes('text/event-stream');
  }

  #send(chunk: unknown[]): boolean {
    this.#begin();
    return this.#pass('write', chunk) as boolean;
  }

  #begin(): void {
    this.#begun = true;
    const args = this.#writeHead;
    this.#writeHead = null;
    if (args) this.#pass('writeHead', args);
  }

  /** The inner methods call one another by way of the response. */
  #pass(name: Name, args: unknown[]): unknown {
    const open = this.#open;
    this.#open = true;
    try {
      return this.#inner[name].apply(this.#res, args);
    } finally {
      this.#open = open;
    }
  }

  #decide(): void {
    const answer = this.#answer;
    if (this.#deciding || !answer) return;
    this.#deciding = true;
    this.#transaction.decide(answer.head.statusCode < 400).then(
      () => this.#release(answer),
      (error) => this.#fail(asError(error)),
    );
  }

  #release({ head, writeHead, chunk, end }: Answer): void {
    this.#open = true;
    if (!this.#res.headersSent) putHead(this.#res, head);
    try {
      if (writeHead) this.#pass('writeHead', writeHead);
      if (chunk) this.#pass('write', chunk);
      this.#pass('end', end);
    } catch (error) {
      // A wrong header: without holding it would have been thrown where it was given.
      this.#fail(asError(error));
    }
  }

  #fail(error: Error): void {
    this.#open = true;
    // What has left can't be taken back, but the client must not take it for the whole.
    if (this.#res.headersSent) {
      this.#res.destroy(error);
      return;
    }
    if (this.#gate) this.#gate.fail(error);
    else answerPlainly(this.#res);
  }
}

function headOf(res: ServerResponse<IncomingMessage>): Head {
  const { statusCode } = res;
  return { statusCode, statusMessage: messageOf(res), headers: { ...res.getHeaders() } };
}

/** HTTP/2 has none, and Node warns of those who ask. */
function messageOf(res: ServerResponse<IncomingMessage>): string | undefined {
  return res.req.httpVersionMajor >= 2 ? undefined : res.statusMessage;
}

function putHead(res: ServerResponse<IncomingMessage>, head: Head): void {
  res.statusCode = head.statusCode;
  if (messageOf(res) !== head.statusMessage) res.statusMessage = head.statusMessage as string;
  for (const name of res.getHeaderNames()) if (!(name in head.headers)) res.removeHeader(name);
  for (const [name, value] of Object.entries(head.headers)) {
    if (value !== undefined && res.getHeader(name) !== value) res.setHeader(name, value);
  }
}

/** Of a response that was taken away from its framework. */
export function answerPlainly(res: ServerResponse<IncomingMessage>): void {
  res.statusCode = 500;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end('Internal Server Error');
}
