import { randomUUID } from 'node:crypto';
import type { Deadlines as Limits } from '../../types.js';
import type { Exchange, Row, Session, Statements } from '../contender.js';
import { deepStains, shallowProbes, stainsIn, wholeProbes } from '../probes.js';
import type { Evidence } from './evidence.js';

/** On top of what the options allow. */
const TOLERANCE_MS = 200;
/** How long a statement that is being killed may keep its connection. */
const KILL_MS = 1_000;

export type Look =
  /** At what leaves the session plain. */
  | 'shallow'
  /** At everything that a statement can show, and the session is marked, which costs its pool a reset. */
  | 'whole'
  /** At what must be tried too, some of which makes a pool forget what it knows of the schema. */
  | 'deep';

/**
 * One request as the evidence sees it: its session, watched, and what it must find on the connection that it gets.
 */
export class Visitor {
  readonly id: string = randomUUID();
  readonly session: Session;
  readonly #evidence: Evidence;
  readonly #limits: Limits;
  readonly #look: Look;
  readonly #isOver: () => boolean;
  #connection: string | undefined;
  #toldOfCaller = false;
  #underWay = 0;

  constructor(inner: Session, { req, res }: Exchange, evidence: Evidence, limits: Limits, look: Look) {
    this.#evidence = evidence;
    this.#limits = limits;
    this.#look = look;
    this.#isOver = () => res.writableEnded || res.destroyed || req.socket.destroyed;
    this.session = this.#watched(inner);
  }

  get #marks(): boolean {
    return this.#look !== 'shallow';
  }

  /** Looks at the connection that the request has got, before it does anything else. */
  async arrive(inTransaction: boolean): Promise<void> {
    const row = await this.ask(this.session, this.#marks ? wholeProbes : shallowProbes);
    this.#connection = `${row.id} of ${row.server}`;
    const other = this.#evidence.live.enter(this.#connection, this.id, this.#isOver);
    if (other) this.#tell('I1', `connection ${this.#connection} serves ${this.id} and, still, ${other}`);
    const stains = stainsIn(row, this.#evidence.fresh, inTransaction);
    if (this.#look === 'deep' && !inTransaction) stains.push(...(await deepStains(this.session)));
    for (const stain of stains)
      this.#tell('I2', `a request found on connection ${this.#connection}: ${stain}`);
    if (stains.length > 0) this.count('stained');
    if (stains.some((stain) => stain.startsWith('inTransaction'))) this.count('in a foreign transaction');
    this.#evidence.checked('I1', 'I2');
    this.count(`looks:${this.#look}`);
    if (this.#marks) await this.session.query(`SET @lease = '${this.id}'`);
  }

  /** Is the connection still this request's alone? Then it lets go of it. */
  async depart(): Promise<void> {
    if (this.#marks && this.#connection !== undefined) {
      const row = await this.ask(this.session, `@lease AS lease, CONNECTION_ID() AS id, ${SERVER} AS server`);
      const moved = this.#connection !== `${row.id} of ${row.server}`;
      if (moved) this.#evidence.count('moved');
      else if (row.lease !== this.id)
        this.#tell('I1', `@lease was set to ${this.id} on connection ${row.id} and is ${row.lease}`);
    }
    this.leave();
  }

  leave(): void {
    if (this.#connection !== undefined) this.#evidence.live.leave(this.#connection, this.id);
    this.#connection = undefined;
  }

  /** One row, with a nonce that proves that it answers this question. */
  async ask(on: Statements, columns: string, values: unknown[] = [], rest = ''): Promise<Row> {
    const nonce = randomUUID();
    const rows = await on.query(`SELECT '${nonce}' AS nonce, ${columns} ${rest}`, values);
    this.checkNonce(Array.isArray(rows) ? rows[0] : rows, nonce);
    return rows[0] ?? {};
  }

  checkNonce(row: unknown, nonce: string): void {
    this.#evidence.checked('I3');
    const found = (row as Row | undefined)?.nonce;
    if (found !== nonce) this.#tell('I3', `a SELECT of '${nonce}' was answered with '${found}'`);
  }

  /** I13, in a continuation or callback of this request; once for each. */
  checkCaller(where: string): void {
    this.#evidence.checked('I13');
    const store = this.#evidence.caller.getStore();
    if (store === this.id || this.#toldOfCaller) return;
    this.#toldOfCaller = true;
    this.#tell('I13', `${where} of ${this.id} ran in the context of ${store}`);
  }

  count(name: string): void {
    this.#evidence.count(name);
  }

  /** An error that reached the application by another way than a rejected call. */
  failed(error: unknown, during: string): void {
    this.#evidence.failed(error, during, this.#isOver());
  }

  #tell(invariant: 'I1' | 'I2' | 'I3' | 'I13', detail: string): void {
    this.#evidence.violation(invariant, detail);
  }

  #watched(inner: Session): Session {
    const { acquireTimeoutMs, queryTimeoutMs } = this.#limits;
    const one = acquireTimeoutMs + queryTimeoutMs + TOLERANCE_MS;
    return {
      ...this.#statements(inner, one),
      begin: () => this.#watch('begin', one, inner.begin()),
      commit: () => this.#watch('commit', one, inner.commit()),
      rollback: () => this.#watch('rollback', one, inner.rollback()),
      release: () => this.#watch('release', one, inner.release()),
      stream: (sql, values) => this.#watch('stream', one, inner.stream(sql, values)),
      transaction: (work) => this.#transaction(inner, work, one),
    };
  }

  /**
   * The statements of `work` are watched one by one. BEGIN and COMMIT (or ROLLBACK) are what is left, and before the first
   * and after the last of those nothing else is waited for.
   */
  async #transaction<T>(inner: Session, work: (tx: Statements) => Promise<T>, limitMs: number): Promise<T> {
    const { deadlines } = this.#evidence;
    let begun: () => void = () => {};
    let ended: () => void = () => {};
    const beginning = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const ending = new Promise<void>((resolve) => {
      ended = resolve;
    });
    void deadlines.watch('the BEGIN of a transaction', limitMs, beginning);
    const inside = async (tx: Statements) => {
      begun();
      this.checkCaller('transaction(fn)');
      try {
        return await work(this.#statements(tx, limitMs));
      } finally {
        void deadlines.watch('the end of a transaction', limitMs, ending);
      }
    };
    try {
      return await inner.transaction(inside);
    } catch (error) {
      this.#evidence.failed(error, 'transaction', this.#isOver());
      throw error;
    } finally {
      begun();
      ended();
      this.checkCaller('transaction');
    }
  }

  #statements(inner: Statements, limitMs: number): Statements {
    const watched = (sql: string, promise: Promise<Row[]>) =>
      this.#watch(sql.slice(0, 60), limitMs + this.#underWay * this.#behindMs, promise);
    return {
      query: (sql, values, timeoutMs) => watched(sql, inner.query(sql, values, timeoutMs)),
      execute: (sql, values) => watched(sql, inner.execute(sql, values)),
    };
  }

  /** What a statement may wait behind each other one of its request: their connection runs one after the other. */
  get #behindMs(): number {
    return this.#limits.queryTimeoutMs + KILL_MS;
  }

  async #watch<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await this.#evidence.deadlines.watch(what, limitMs, promise);
    } catch (error) {
      this.#evidence.failed(error, what, this.#isOver());
      throw error;
    } finally {
      this.#underWay--;
      this.#evidence.checked('I7', 'I11');
      this.checkCaller(what);
    }
  }
}

const SERVER = 'FLOOR(UUID_SHORT() / 16777216)';
