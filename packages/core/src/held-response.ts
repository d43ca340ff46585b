import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock, Timer } from './clock.js';
import { asError } from './errors.js';
import type { Decided } from './lifecycle.js';

/** What only the framework can do for a route's transaction. */
export interface AnswerGate {
  /** Remembers the headers that the framework keeps beside the raw response; the returned function restores them. */
  remember?(): () => void;
  /**
   * COMMIT has failed and nothing has left: answers with the framework's own error.
   *
   * @returns false if it can't, for the response was taken away from it
   */
  fail(error: Error): boolean;
}

/** Express hands an error on in one turn of the event loop, and its final handler answers in the next. */
const ERROR_TURNS = 3;
/** What is written within this time, and is no larger, counts as a whole: compression writes even a short body in pieces. */
const WHOLE_MS = 25;
const WHOLE_BYTES = 16_384;

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
  readonly chunks: readonly unknown[][];
  readonly end: unknown[];
}

/**
 * An answer that must not leave before its transaction is decided. Nothing of it is sent before COMMIT has been
 * answered if it comes as a whole, or nearly; of one that is written piece by piece the last piece, and its end.
 *
 * The answer can still be replaced by an error's, until COMMIT is on its way.
 */
export class HeldResponse {
  readonly #res: ServerResponse<IncomingMessage>;
  readonly #transaction: Decided;
  readonly #gate: AnswerGate | undefined;
  readonly #clock: Clock;
  /** The methods below, and ours. Others may have wrapped those in turn. */
  readonly #inner = {} as Record<Name, Method>;
  readonly #ours = {} as Record<Name, Method>;
  readonly #before: Head;
  readonly #restoreFramework: (() => void) | undefined;
  /** From here on everything passes. */
  #open = false;
  /** It is written piece by piece: something has left, or should. */
  #begun = false;
  #writeHead: unknown[] | null = null;
  /** Pieces that have not left; once it has begun, the last one. */
  #chunks: unknown[][] = [];
  #bytes = 0;
  #timer: Timer | null = null;
  #answer: Answer | null = null;
  #deciding = false;

  constructor(
    res: ServerResponse<IncomingMessage>,
    transaction: Decided,
    gate: AnswerGate | undefined,
    clock: Clock,
  ) {
    this.#res = res;
    this.#transaction = transaction;
    this.#gate = gate;
    this.#clock = clock;
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
      this.#ours[name] = (...args) =>
        this.#passes ? this.#inner[name].apply(res, args) : held[name](...args);
    }
    Object.assign(res, this.#ours);
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
    this.#forget();
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
    const held = this.#chunks;
    this.#bytes += lengthOf(args[0]);
    if (this.#begun || this.#bytes > WHOLE_BYTES) {
      this.#chunks = [args];
      return this.#sendAll(held);
    }
    held.push(args);
    this.#timer ??= this.#clock.after(WHOLE_MS, () => this.#goOn());
    // Nobody would ever say `drain` for what was not written.
    return true;
  }

  /** It took its time: what there is leaves, but for the last piece. */
  #goOn(): void {
    if (this.#answer || this.#passes) return;
    this.#begun = true;
    this.#sendAll(this.#chunks.splice(0, this.#chunks.length - 1));
  }

  #sendAll(chunks: unknown[][]): boolean {
    let ready = true;
    for (const chunk of chunks) ready = this.#send(chunk);
    return ready;
  }

  #holdEnd(args: unknown[]): unknown {
    this.#startOver();
    if (this.#deciding || this.#answer) return this.#res;
    const head = headOf(this.#res);
    this.#timer?.cancel();
    this.#answer = { head, writeHead: this.#writeHead, chunks: this.#chunks, end: args };
    if (this.#res.statusCode >= 400) this.#decide(this.#answer);
    else this.#decideSoon(this.#answer, ERROR_TURNS);
    return this.#res;
  }

  /** An error that is thrown right behind it still counts. */
  #decideSoon(answer: Answer, turns: number): void {
    if (turns === 0) this.#decide(answer);
    else this.#clock.soon(() => this.#decideSoon(answer, turns - 1));
  }

  /** A second answer after the first: an error handler's. It takes the place of the first as long as it can. */
  #startOver(): void {
    if (this.#answer && !this.#deciding && !this.#begun) this.#forget();
  }

  #forget(): void {
    this.#answer = null;
    this.#writeHead = null;
    this.#chunks = [];
    this.#bytes = 0;
    this.#timer?.cancel();
    this.#timer = null;
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

  #decide(answer: Answer): void {
    if (this.#deciding || this.#answer !== answer) return;
    this.#deciding = true;
    this.#transaction.decide(answer.head.statusCode < 400).then(
      () => this.#release(answer),
      (error) => this.#fail(asError(error)),
    );
  }

  #release({ head, writeHead, chunks, end }: Answer): void {
    this.#open = true;
    if (!this.#res.headersSent) putHead(this.#res, head);
    try {
      if (writeHead) this.#pass('writeHead', writeHead);
      for (const chunk of chunks) this.#pass('write', chunk);
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
    if (!this.#gate?.fail(error)) return this.#answerPlainly();
    // Who wrapped the response later has seen it end, and lets nothing more through.
    if (HELD.some((name) => (this.#res as unknown as Record<Name, Method>)[name] !== this.#ours[name]))
      this.#insist(ERROR_TURNS);
  }

  #insist(turns: number): void {
    if (this.#res.writableEnded || this.#res.headersSent) return;
    if (turns > 0) return this.#clock.soon(() => this.#insist(turns - 1));
    putHead(this.#res, this.#before);
    this.#answerPlainly();
  }

  #answerPlainly(): void {
    this.#res.statusCode = 500;
    this.#res.setHeader('Content-Type', 'text/plain; charset=utf-8');
    this.#pass('end', ['Internal Server Error']);
  }
}

function lengthOf(chunk: unknown): number {
  return typeof chunk === 'string'
    ? Buffer.byteLength(chunk)
    : ((chunk as Uint8Array | null)?.byteLength ?? 0);
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
