import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { callbackOf, checkChunk, checkHead, headersOf, writtenAfterEnd } from './answer-arguments.js';
import { type AnswerGate, show } from './answer-gate.js';
import type { Clock } from './clock.js';
import { asError } from './errors.js';
import { HeldPieces, type Piece } from './held-pieces.js';
import { type Head, headOf, putHead } from './response-head.js';
import type { Decided } from './scope-context.js';

/** Responses that their handler has ended, and that have not left yet. */
const ended = new WeakSet<object>();

/** Whether the handler has answered, even if nothing has left. */
export function isAnswered(res: ServerResponse<IncomingMessage>): boolean {
  return res.writableEnded || ended.has(res);
}

/** Express hands an error on in one turn of the event loop, and its final handler answers in the next. */
const ERROR_TURNS = 3;
const EVENTS = 'text/event-stream';
const PLAIN = 'Internal Server Error';

type Method = (...args: unknown[]) => unknown;
const HELD = ['writeHead', 'flushHeaders', 'write', 'end'] as const;
type Name = (typeof HELD)[number];

/** A whole answer, ready to leave. */
interface Answer {
  readonly head: Head;
  readonly writeHead: unknown[] | null;
  readonly flushed: boolean;
  readonly pieces: readonly Piece[];
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
  #writeHead: unknown[] | null = null;
  #flushed = false;
  /** Each event is whole by itself. */
  #isEvents = false;
  readonly #pieces: HeldPieces;
  /** The status and the length that were set when the first part of the answer was given. */
  #first: { readonly status: number; readonly length: unknown } | null = null;
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
    this.#pieces = new HeldPieces(clock, (piece) => this.#send(piece));
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
    if (!gate?.showsHeld) return;
    const shows = () => !this.#open && gate.showsHeld?.() === true;
    show(res, 'headersSent', () => shows() && this.#isHolding);
    show(
      res,
      'writableEnded',
      () => !this.#open && (gate.isDeciding?.() === true || (shows() && this.#answer !== null)),
    );
  }

  /** The framework has seen to the decision itself, or there is nothing more to decide. */
  get #passes(): boolean {
    return this.#open || (this.#transaction.isDecided && !this.#deciding && !this.#isHolding);
  }

  /** A part of an answer waits: what belongs to it has to wait behind. */
  get #isHolding(): boolean {
    return this.#answer !== null || this.#writeHead !== null || this.#flushed || !this.#pieces.isEmpty;
  }

  /** The headers and the status are as they were before the first query. */
  restore(): void {
    // What is held is shown as sent.
    this.#forget();
    if (this.#res.headersSent) return;
    putHead(this.#res, this.#before);
    this.#restoreFramework?.();
  }

  #holdHead(args: unknown[]): unknown {
    checkHead(args);
    if (this.#deciding) return this.#res;
    // Held or not, the status is to be seen.
    if (typeof args[0] === 'number') this.#res.statusCode = args[0];
    this.#startOver();
    this.#first ??= this.#now;
    this.#writeHead = args;
    this.#isEvents ||= headersOf(args).some(([, value]) => String(value).startsWith(EVENTS));
    return this.#res;
  }

  #holdHeaders(): void {
    this.#startOver();
    if (this.#deciding || this.#answer) return;
    this.#first ??= this.#now;
    this.#flushed = true;
    if (this.#isEventStream) this.#begin();
  }

  #holdChunk(args: unknown[]): boolean {
    checkChunk(args[0]);
    this.#startOver();
    if (this.#deciding || this.#answer) return this.#refuse(args);
    this.#first ??= this.#now;
    if (this.#isEventStream) return this.#send(args);
    // The head is all there is of such an answer, so nothing may leave early.
    return this.#isBodiless ? this.#pieces.keep(['', ...args.slice(1)]) : this.#pieces.add(args);
  }

  get #isBodiless(): boolean {
    const { statusCode, req } = this.#res;
    return req.method === 'HEAD' || statusCode === 204 || statusCode === 304;
  }

  /** The answer is complete. */
  #refuse(args: unknown[]): false {
    const callback = callbackOf(args);
    if (callback) this.#clock.soon(() => callback(writtenAfterEnd()));
    return false;
  }

  #holdEnd(args: unknown[]): unknown {
    if (args[0] && typeof args[0] !== 'function') checkChunk(args[0]);
    if (this.#answer && this.#gate?.ignores?.(args[0])) return this.#res;
    this.#startOver();
    if (this.#deciding || this.#answer) {
      this.#tellAtTheEnd(args);
      return this.#res;
    }
    this.#answer = {
      head: headOf(this.#res),
      writeHead: this.#writeHead,
      flushed: this.#flushed,
      pieces: this.#pieces.take(),
      end: args,
    };
    ended.add(this.#res);
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
    if (this.#deciding || this.#pieces.begun) return;
    if (this.#answer || this.#isAnother) this.#forget();
  }

  get #now() {
    return { status: this.#res.statusCode, length: this.#res.getHeader('content-length') };
  }

  /**
   * Whether what comes now belongs to another answer than the parts that are held: of one that had left, nobody could
   * change the head. Cookies and the like prove nothing, middleware sets them last.
   */
  get #isAnother(): boolean {
    if (!this.#first) return false;
    const { status, length } = this.#now;
    const hasFailed = status >= 400 && status !== this.#first.status;
    return hasFailed || (length !== undefined && length !== this.#first.length);
  }

  /** Another answer takes the place of this one, and its handler may wait for the end. */
  #tellAtTheEnd(end: unknown[]): void {
    const callback = callbackOf(end);
    if (callback) this.#res.once('finish', () => callback());
  }

  #forget(): void {
    if (this.#answer) this.#tellAtTheEnd(this.#answer.end);
    this.#answer = null;
    ended.delete(this.#res);
    this.#first = null;
    this.#writeHead = null;
    this.#flushed = false;
    this.#pieces.clear();
  }

  get #isEventStream(): boolean {
    this.#isEvents ||= String(this.#res.getHeader('content-type') ?? '').startsWith(EVENTS);
    return this.#isEvents;
  }

  #send(piece: Piece): boolean {
    this.#begin();
    return this.#pass('write', piece) as boolean;
  }

  #begin(): void {
    this.#pieces.begun = true;
    this.#sendHead(this.#writeHead, this.#flushed);
    this.#writeHead = null;
    this.#flushed = false;
  }

  #sendHead(writeHead: unknown[] | null, flushed: boolean): void {
    if (writeHead) this.#pass('writeHead', writeHead);
    if (flushed) this.#pass('flushHeaders', []);
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

  #release({ head, writeHead, flushed, pieces, end }: Answer): void {
    this.#open = true;
    if (!this.#res.headersSent) putHead(this.#res, head);
    try {
      this.#sendHead(writeHead, flushed);
      for (const piece of pieces) this.#pass('write', piece);
      this.#pass('end', end);
    } catch (error) {
      // A wrong header: without holding it would have been thrown where it was given.
      this.#fail(asError(error));
    }
  }

  #fail(error: Error): void {
    this.#open = true;
    if (this.#answer) this.#tellAtTheEnd(this.#answer.end);
    const begun = this.#res.headersSent;
    const told = this.#gate?.fail(error) === true;
    // What has left can't be taken back, but the client must not take it for the whole.
    if (begun) return void this.#res.destroy();
    if (!told) return this.#answerPlainly();
    // Who wrapped the response later has seen it end, and lets nothing more through.
    if (HELD.some((name) => (this.#res as unknown as Record<Name, Method>)[name] !== this.#ours[name]))
      this.#insist(ERROR_TURNS);
  }

  #insist(turns: number): void {
    if (this.#res.writableEnded || this.#res.headersSent) return;
    const { req } = this.#res;
    // Express's final handler first lets the rest of the body come in, and then takes the headers for unsent.
    if (req.readableFlowing && !req.readableEnded && !req.destroyed)
      return void finished(req, { writable: false }, () => this.#insist(ERROR_TURNS));
    if (turns > 0) return this.#clock.soon(() => this.#insist(turns - 1));
    putHead(this.#res, this.#before);
    this.#answerPlainly();
  }

  #answerPlainly(): void {
    this.#res.statusCode = 500;
    this.#res.setHeader('Content-Type', 'text/plain; charset=utf-8');
    this.#res.setHeader('Content-Length', PLAIN.length);
    this.#pass('end', [PLAIN]);
  }
}
