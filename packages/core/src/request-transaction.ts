import { isTraced, type TransactionTrace, traceBegins } from './channels.js';
import type { Claim } from './claims.js';
import type { HandbackError } from './errors.js';
import { lateWorkForbidden } from './late-rules.js';
import type { Lease } from './lease.js';
import type { Lifecycle } from './lifecycle.js';
import type { Dialect } from './queryable.js';
import { answerBegun, answered, notWanted, rolledBack } from './refusals.js';
import { type DriverError, type TrackedStatement, wasNeverSent } from './statement.js';
import { Transaction, type Work } from './transaction.js';
import { begin, commit, rollBack } from './transaction-run.js';
import { transactionEnds } from './transaction-trace.js';
import { Turn } from './turn.js';

/**
 * The transaction that a request runs in (option `transaction`): begun by its first query, decided by its answer, once.
 */
export class RequestTransaction {
  readonly #life: Lifecycle;
  readonly #dialect: Dialect;
  #current: Transaction | null = null;
  #lease: Lease | null = null;
  /** Where somebody traces transactions. */
  #trace: TransactionTrace | null = null;
  #opening: Promise<Transaction> | null = null;
  /** The acquire behind `#opening`. */
  #claim: Claim | null = null;
  /** Statements that wait for BEGIN. */
  #waiting: TrackedStatement[] = [];
  /** Calls of `transaction(fn)` and the like that wait for BEGIN. */
  #callers = 0;
  readonly #functions = new Set<Promise<unknown>>();
  #turn: Turn | null = null;
  #decision: Promise<void> | null = null;
  /** Takes back the headers that the answer had. */
  #restore: (() => void) | null = null;

  constructor(life: Lifecycle, dialect: Dialect) {
    this.#life = life;
    this.#dialect = dialect;
  }

  /** It has been committed or rolled back, or is about to be. */
  get isDecided(): boolean {
    return this.#decision !== null;
  }

  get isOpen(): boolean {
    return this.#decision === null && (this.#current !== null || this.#opening !== null);
  }

  submit(statement: TrackedStatement): void {
    const refusal = this.#refusal();
    if (refusal) return statement.settle(refusal);
    if (this.#current) return Transaction.submitTo(this.#current, statement);
    statement.onGivenUp = () => this.#leave(statement);
    this.#waiting.push(statement);
    // Whoever waits is told by the one who begins.
    this.#open().catch(() => undefined);
  }

  /** Why no statement may join. */
  #refusal(): HandbackError | null {
    const { context } = this.#life;
    if (this.#decision) return answered();
    if (this.#current || this.#opening) return null;
    if (this.#life.isLate && context.settings.afterResponse !== 'allow') return lateWorkForbidden();
    return context.answerBegun ? answerBegun() : null;
  }

  /** The connection, once BEGIN has been answered. */
  async lease(): Promise<Lease> {
    await this.#begun();
    return this.#lease as Lease;
  }

  /** A savepoint. One after another, as `transaction(fn)` outside of requests' transactions. */
  async transaction<T>(fn: Work<T>): Promise<T> {
    const { pool, settings } = this.#life.context;
    this.#turn ??= new Turn(pool.clock);
    const run = this.#turn.take(settings.acquireTimeoutMs).then(async (endTurn) => {
      try {
        const transaction = await this.#begun();
        return await transaction.transaction(fn);
      } finally {
        endTurn();
      }
    });
    this.#functions.add(run);
    try {
      return await run;
    } finally {
      this.#functions.delete(run);
    }
  }

  /** Undoes what the request did so far; its next query begins anew. */
  async rollback(): Promise<void> {
    if (this.#decision) throw answered();
    await this.#opening?.catch(() => undefined);
    const lease = this.#end();
    if (this.#life.losses.ofTransaction) this.#life.losses.transactionAcknowledged();
    else if (lease) await rollBack(lease.transactions);
  }

  /**
   * The answer is ready: COMMIT if the request has succeeded, else ROLLBACK, which is not waited for. The first call
   * decides.
   *
   * @throws {HandbackError} see `sendCommit`; TRANSACTION_ROLLED_BACK if the transaction was lost before. The server's
   * refusal unchanged.
   */
  decide(succeeded: boolean): Promise<void> {
    if (!this.#decision) {
      // A client that leaves from here on has been answered: its COMMIT is not cancelled.
      this.#life.over.deciding = true;
      this.#decision = succeeded ? this.#commit() : Promise.resolve();
      if (!succeeded) void this.#undo();
    }
    return this.#decision;
  }

  async #commit(): Promise<void> {
    const { context } = this.#life;
    let giveUp!: (error: HandbackError) => void;
    const tooSlow = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    // What is still in flight gets as long as at any other end.
    const timer = context.pool.clock.after(context.settings.drainTimeoutMs, () => {
      this.#traced(rolledBack());
      this.#handBack(0);
      giveUp(rolledBack());
    });
    try {
      await Promise.race([this.#quiet(), tooSlow]);
      // Of one that was lost it says so.
      if (this.#lease) await Promise.race([commit(this.#lease.transactions, () => timer.cancel()), tooSlow]);
      this.#traced(undefined, true);
    } catch (error) {
      this.#restore?.();
      this.#traced(error);
      throw error;
    } finally {
      timer.cancel();
      this.#handBack();
    }
  }

  /** BEGIN has been answered, and every function that was given a savepoint has settled. */
  async #quiet(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    while (this.#functions.size > 0) await Promise.allSettled(this.#functions);
  }

  async #undo(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    this.#current?.end();
    if (this.#lease) await rollBack(this.#lease.transactions);
    this.#handBack();
  }

  #handBack(drainTimeoutMs?: number): void {
    const lease = this.#end();
    if (lease && this.#life.lease === lease) this.#life.handBack(drainTimeoutMs);
  }

  #traced(error?: unknown, committed = false): void {
    if (this.#trace) transactionEnds(this.#trace, committed ? 'committed' : 'rolled back', error);
    this.#trace = null;
  }

  #end(): Lease | null {
    this.#traced();
    const lease = this.#lease;
    this.#current?.end();
    this.#current = null;
    this.#lease = null;
    return lease;
  }

  async #begun(): Promise<Transaction> {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
    this.#callers++;
    try {
      return await this.#open();
    } finally {
      this.#callers--;
    }
  }

  #open(): Promise<Transaction> {
    if (this.#current) return Promise.resolve(this.#current);
    this.#opening ??= this.#begin();
    return this.#opening;
  }

  async #begin(): Promise<Transaction> {
    const { context } = this.#life;
    this.#restore ??= context.hold?.(this) ?? null;
    this.#life.functions++;
    try {
      const lease = await this.#beginTwiceIfUnsent();
      const transaction = new Transaction(lease.transactions, this.#dialect);
      this.#lease = lease;
      this.#current = transaction;
      for (const statement of this.#takeWaiting()) Transaction.submitTo(transaction, statement);
      return transaction;
    } catch (error) {
      for (const statement of this.#takeWaiting()) statement.settle(error as DriverError);
      throw error;
    } finally {
      this.#opening = null;
      this.#life.functions--;
      this.#life.settle();
    }
  }

  #takeWaiting(): TrackedStatement[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** A BEGIN that could not be sent finds itself another connection. */
  async #beginTwiceIfUnsent(): Promise<Lease> {
    try {
      return await this.#beginOnce();
    } catch (error) {
      if (!wasNeverSent(error as DriverError)) throw error;
      const refusal = this.#life.enter();
      if (refusal) throw refusal;
      this.#life.context.pool.resent();
      return this.#beginOnce();
    }
  }

  async #beginOnce(): Promise<Lease> {
    const lease = await new Promise<Lease>((resolve, reject) => {
      this.#claim = { granted: resolve, refused: reject };
      this.#life.claim(this.#claim);
    });
    this.#claim = null;
    // Begun by hand, before the route said that it runs in one.
    lease.transactions.refuseNested();
    const options = this.#life.context.settings.transaction ?? {};
    if (isTraced('transaction')) {
      this.#trace = lease.transactions.message(options);
      traceBegins('transaction', this.#trace, () => {});
    }
    try {
      await begin(lease.transactions, options);
    } catch (error) {
      this.#traced(error);
      throw error;
    }
    return lease;
  }

  /** A statement is given up. If it was the last that waited, so is the acquire. */
  #leave(statement: TrackedStatement): void {
    this.#waiting = this.#waiting.filter((each) => each !== statement);
    if (!this.#claim || this.#waiting.length > 0 || this.#callers > 0) return;
    if (this.#life.unclaim(this.#claim)) this.#claim.refused(notWanted());
  }
}
