import assert from 'node:assert/strict';
import fc from 'fast-check';
import { lostError, serverError } from './fake-server.js';
import { TestPool } from './fixture.js';
import { TestRequest } from './request-fixture.js';

/** What a handler does, and what happens to it meanwhile. */
type Step =
  | { do: 'write'; awaited: boolean }
  | { do: 'read'; awaited: boolean }
  | { do: 'savepoint'; awaited: boolean }
  | { do: 'rollback' }
  | { do: 'fault'; fault: Fault }
  | { do: 'leave' }
  | { do: 'wait'; ms: number };

/** To the next statement of a kind that reaches the server. */
interface Fault {
  at: 'START' | 'UPDATE' | 'SELECT' | 'SAVEPOINT' | 'COMMIT' | 'ROLLBACK';
  how: 'refused' | 'deadlock' | 'lost' | 'never sent' | 'lost after it ran' | 'slow';
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), awaited: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), awaited: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('savepoint' as const), awaited: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'rollback' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'leave' }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 700, 1_500) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.record({
        at: fc.constantFrom<Fault['at']>('START', 'UPDATE', 'SELECT', 'SAVEPOINT', 'COMMIT', 'ROLLBACK'),
        how: fc.constantFrom<Fault['how']>(
          'refused',
          'deadlock',
          'lost',
          'never sent',
          'lost after it ran',
          'slow',
        ),
      }),
    }),
  },
);

class Run {
  readonly test = new TestPool({ max: 2 });
  readonly request = new TestRequest(this.test, { transaction: true, drainTimeoutMs: 1_000 });
  /** The writes that the handler was told have happened, since it last rolled back. */
  acknowledged: string[] = [];
  #written = 0;
  #faults: Fault[] = [];

  constructor() {
    this.test.driver.reply = (sql, connection) => {
      const index = this.#faults.findIndex(({ at }) => sql.startsWith(at));
      const fault = this.#faults[index];
      if (!fault) return undefined;
      this.#faults.splice(index, 1);
      switch (fault.how) {
        case 'refused':
          return serverError(1105);
        case 'deadlock':
          connection.session.inTransaction = false;
          return serverError(1213);
        case 'lost':
          connection.lose(lostError());
          return 'hang';
        case 'never sent':
          connection.lose(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', fatal: true }));
          return 'hang';
        case 'lost after it ran':
          connection.session.answer(sql);
          connection.lose(lostError());
          return 'hang';
        case 'slow':
          this.test.clock.after(800, () => connection.isBusy() && connection.answer());
          return 'hang';
      }
    };
  }

  async perform(step: Step): Promise<void> {
    const { db } = this.request;
    if (step.do === 'fault') this.#faults.push(step.fault);
    else if (step.do === 'leave') this.request.leave();
    else if (step.do === 'wait') await this.test.clock.advance(step.ms);
    else if (step.do === 'read') await this.#in(step.awaited, db.query('SELECT 1'));
    else if (step.do === 'write')
      await this.#in(
        step.awaited,
        this.#write((sql) => db.query(sql)),
      );
    else if (step.do === 'savepoint')
      await this.#in(
        step.awaited,
        db.transaction((tx) => this.#write((sql) => tx.query(sql))),
      );
    else await this.#in(true, this.#rollBack());
  }

  async #write(send: (sql: string) => Promise<unknown>): Promise<void> {
    const sql = `UPDATE t SET n = ${++this.#written}`;
    await send(sql);
    this.acknowledged.push(sql);
  }

  async #rollBack(): Promise<void> {
    await this.test.clock.settle();
    await this.request.db.rollback();
    this.acknowledged = [];
  }

  /** A handler that swallows every error. */
  async #in(awaited: boolean, promise: Promise<unknown>): Promise<void> {
    let settled = false;
    const done = promise
      .catch(() => {})
      .finally(() => {
        settled = true;
      });
    if (!awaited) return;
    await this.test.clock.settle();
    while (!settled) await this.test.clock.advance(100);
    await done;
  }

  get committed(): string[] {
    return this.test.driver.connections.flatMap(({ session }) => session.committed);
  }
}

const seed = Number(process.env.HANDBACK_SEED ?? Date.now() % 1_000_000);

describe('the transaction of a request, whatever happens', () => {
  it(`keeps all that was acknowledged, or nothing, and says which (seed ${seed})`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, succeeded) => {
        const run = new Run();
        const { test, request } = run;
        for (const each of steps) await run.perform(each);
        let outcome: string | null = null;
        const decided = request.decide(succeeded).then(
          () => {
            outcome = 'kept';
          },
          (error: { code?: string }) => {
            outcome = error.code === 'OUTCOME_UNKNOWN' ? 'unknown' : 'undone';
          },
        );
        await test.clock.settle();
        while (outcome === null) await test.clock.advance(100);
        await decided;
        const { acknowledged } = run;
        request.answer();
        await test.clock.advance(60_000);
        if (!succeeded || outcome === 'undone') assert.deepEqual(run.committed, []);
        else if (outcome === 'kept') assert.deepEqual(run.committed, acknowledged);
        else if (run.committed.length > 0) assert.deepEqual(run.committed, acknowledged);
        for (const { sent } of test.driver.connections)
          for (const { sql, inTransaction } of sent)
            if (sql.startsWith('UPDATE')) assert.ok(inTransaction, `${sql} ran by itself`);
        const { leased, draining, pending, resetting } = test.stats();
        assert.deepEqual(
          { leased, draining, pending, resetting },
          { leased: 0, draining: 0, pending: 0, resetting: 0 },
        );
      }),
      { numRuns: 500, seed },
    )).timeout(120_000);
});
