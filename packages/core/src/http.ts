import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerGate } from './answer-gate.js';
import { HeldResponse, isAnswered } from './held-response.js';
import { Lifecycle } from './lifecycle.js';
import { LinkedList } from './linked-list.js';
import { isLongLived } from './long-lived.js';
import type { ScopeSettings } from './options.js';
import type { Owner } from './owner.js';
import type { Pool } from './pool.js';
import { QueryLog } from './query-log.js';
import { Scope } from './scope.js';
import type { Decided, EndCause, EndListener, ScopeContext } from './scope-context.js';

/** What a framework knows of a request that the raw request does not. Asked when it is needed, no earlier. */
export interface RequestFacts {
  readonly pool: Pool;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly settings: ScopeSettings;
  readonly optedOut: boolean;
  /** Pattern of the route, or METHOD + '(unmatched)'. */
  readonly route: string;
  readonly requestId: string | undefined;
  /** The framework knows that the response lasts for as long as its client likes. */
  readonly longLived: boolean;
  /** With the option `context`: the request. */
  readonly owner: Owner | undefined;
  /** What the framework does for a transaction that the answer decides. */
  readonly gate?: AnswerGate | undefined;
}

type Socket = IncomingMessage['socket'];

/**
 * The requests that a socket's end would end. Of a queued pipelined response nothing but the socket says that the
 * client has left (Node 20 and 22), and a keep-alive socket serves many requests: one listener for all of them.
 */
const watchersOf = new WeakMap<Socket, LinkedList<HttpContext>>();

function watchedOn(socket: Socket): LinkedList<HttpContext> {
  const known = watchersOf.get(socket);
  if (known) return known;
  const watchers = new LinkedList<HttpContext>();
  watchersOf.set(socket, watchers);
  socket.once('close', () => {
    for (const each of [...watchers]) each.ended();
  });
  return watchers;
}

/** Of a response whose client is not there any more. */
function causeOf(res: ServerResponse): EndCause {
  return res.writableEnded ? 'answered' : 'gone';
}

/** How a response has ended already, if it has. A listener attached now would never be called. */
function alreadyOver(
  req: IncomingMessage,
  res: ServerResponse,
  releaseOn: ScopeSettings['releaseOn'],
): EndCause | null {
  if (releaseOn === 'finish' ? res.writableFinished : res.writableEnded) return 'answered';
  if (res.destroyed || res.closed || req.socket?.destroyed) return 'gone';
  return null;
}

/**
 * Whether the client of a request has left before its answer: then nothing will ever happen on the response, and only
 * its handler's end says that its work is over.
 */
export function clientLeft(req: IncomingMessage, res: ServerResponse): boolean {
  return !isAnswered(res) && alreadyOver(req, res, 'end') === 'gone';
}

/** Sees the handler call `res.end()`: of a queued pipelined response `prefinish` would come only in its turn. */
function watchEnd(res: ServerResponse, life: EndListener): void {
  const end = res.end as (...args: unknown[]) => ServerResponse;
  res.end = function ended(this: ServerResponse, ...args: unknown[]) {
    try {
      return end.apply(this, args);
    } finally {
      life.ending('answered');
    }
  } as ServerResponse['end'];
  // Whoever kept the original `end` from before comes by here.
  res.on('prefinish', () => life.ending('answered'));
}

/** One HTTP request as its scope sees it. */
class HttpContext implements ScopeContext {
  readonly isRequest = true;
  log: QueryLog | null = null;
  owner: Owner | undefined;
  /** Neighbours among the requests of their socket. */
  previous: HttpContext | null = null;
  next: HttpContext | null = null;
  readonly #facts: RequestFacts;
  /** Told of the end, once it is watched for. */
  #life: EndListener | null = null;
  /** Where this request is, among others of its socket. */
  #watchers: LinkedList<HttpContext> | null = null;

  constructor(facts: RequestFacts) {
    this.#facts = facts;
    this.owner = facts.owner;
  }

  get pool(): Pool {
    return this.#facts.pool;
  }

  get settings(): ScopeSettings {
    return this.#facts.settings;
  }

  get optedOut(): boolean {
    return this.#facts.optedOut;
  }

  get route(): string {
    return this.#facts.route;
  }

  get method(): string | undefined {
    return this.#facts.req.method;
  }

  get requestId(): string | undefined {
    return this.#facts.requestId;
  }

  get isLongLived(): boolean {
    const { req, res, longLived } = this.#facts;
    return longLived || isLongLived(req, res);
  }

  get answerBegun(): boolean {
    const { res } = this.#facts;
    return res.headersSent || res.writableEnded;
  }

  hold(transaction: Decided): () => void {
    const { res, gate } = this.#facts;
    const held = new HeldResponse(res, transaction, gate, this.pool.clock);
    return () => held.restore();
  }

  watch(life: EndListener): EndCause | null {
    const { req, res } = this.#facts;
    const { releaseOn, log } = this.settings;
    if (log > 0) this.log = new QueryLog(log);
    const over = alreadyOver(req, res, releaseOn);
    if (over) return over;
    this.#watchClient(life);
    if (releaseOn === 'end') watchEnd(res, life);
    // HTTP/2 says 'finish' of a stream that was reset, too.
    else res.on('finish', () => this.ended());
    return null;
  }

  /** The options are left alone: middleware that comes later may still say which they are. */
  watchClient(life: EndListener): EndCause | null {
    const { req, res } = this.#facts;
    const over = alreadyOver(req, res, 'end');
    if (!over) this.#watchClient(life);
    return over;
  }

  #watchClient(life: EndListener): void {
    if (this.#life) return;
    this.#life = life;
    const { req, res } = this.#facts;
    res.on('close', () => this.ended());
    this.#watchers = watchedOn(req.socket);
    this.#watchers.push(this);
  }

  /** The response is over, or its socket has gone. It may be told several times. */
  ended(): void {
    this.#life?.ending(causeOf(this.#facts.res));
  }

  unwatch(): void {
    this.#watchers?.remove(this);
    this.#watchers = null;
  }
}

/** The scope of one HTTP request; nothing is attached to the request before its first query. */
export function httpScope(facts: RequestFacts): Scope {
  return new Scope(new Lifecycle(new HttpContext(facts)));
}
