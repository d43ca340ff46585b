import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { erlangB, erlangC } from '#cli/plan/erlang.js';
import { estimate, offeredBy, rateFor, serversFor } from '#cli/plan/estimate.js';

/** Connections, Erlang offered, share that waits: from printed tables of Erlang C. */
const TABLE: readonly [servers: number, offered: number, waiting: number][] = [
  [1, 0.5, 0.5],
  [2, 1, 0.3333],
  [3, 2, 0.4444],
  [4, 3, 0.5094],
  [5, 4, 0.5541],
  [10, 8, 0.4092],
  [11, 10, 0.6821],
  [12, 10, 0.4494],
  [13, 10, 0.2853],
  [14, 10, 0.1741],
];

/** By the definition: sums of a^k / k!, each term made from the one before. */
function byDefinition(servers: number, offered: number): number {
  let term = 1;
  let sum = 0;
  for (let k = 0; k < servers; k++) {
    sum += term;
    term *= offered / (k + 1);
  }
  const waiting = (term * servers) / (servers - offered);
  return waiting / (sum + waiting);
}

const queue = fc.record({
  servers: fc.integer({ min: 1, max: 150 }),
  rate: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
  holdMs: fc.double({ min: 0.1, max: 500, noNaN: true }),
  cv: fc.constantFrom(0, 0.5, 1, 3),
});

describe('the queueing estimate', () => {
  it('has the values of the printed tables of Erlang C', () => {
    for (const [servers, offered, waiting] of TABLE) {
      assert.equal(erlangC(servers, offered).toFixed(4), waiting.toFixed(4), `${servers}, ${offered}`);
    }
    assert.equal(erlangB(10, 8).toFixed(4), '0.1217');
  });

  it('agrees with the definition, sum by sum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (servers, load) => {
          const expected = byDefinition(servers, servers * load);
          assert.ok(Math.abs(erlangC(servers, servers * load) - expected) <= 1e-9 * expected + 1e-15);
        },
      ),
    );
  });

  it('is that of M/M/1 for one connection', () => {
    // 80 of 100 requests a second: 40 ms on average, and exponential for the 80 % that wait.
    const { waiting, meanMs, p95Ms, p99Ms, queued } = estimate({ servers: 1, rate: 80, holdMs: 10, cv: 1 });
    const rounded = [waiting, meanMs, p95Ms, p99Ms, queued].map((value) => Number(value.toFixed(6)));
    const tail = (left: number) => Number((50 * Math.log(0.8 / left)).toFixed(6));
    assert.deepEqual(rounded, [0.8, 40, tail(0.05), tail(0.01), 3.2]);
  });

  it('has no wait at a percentile that does not wait', () => {
    const { waiting, p95Ms, p99Ms } = estimate({ servers: 10, rate: 450, holdMs: 10, cv: 1 });
    assert.ok(waiting > 0.01 && waiting < 0.05);
    assert.equal(p95Ms, 0);
    assert.ok(p99Ms > 0);
  });

  it('waits half as long for times that are all the same, five times as long at cv 3', () => {
    const meanAt = (cv: number) => estimate({ servers: 4, rate: 360, holdMs: 10, cv }).meanMs;
    assert.equal((meanAt(0) / meanAt(1)).toFixed(9), '0.500000000');
    assert.equal((meanAt(3) / meanAt(1)).toFixed(9), '5.000000000');
  });

  it('has no last wait where as much comes as can be served', () => {
    for (const rate of [100, 101, 1e9]) {
      const { waiting, meanMs, p95Ms, queued } = estimate({ servers: 1, rate, holdMs: 10, cv: 1 });
      assert.deepEqual([waiting, meanMs, p95Ms, queued], [1, Infinity, Infinity, Infinity]);
    }
  });

  it('finds the fewest connections: they are enough, one fewer is not', () => {
    fc.assert(
      fc.property(queue, fc.double({ min: 0, max: 200, noNaN: true }), (load, waitMs) => {
        const enough = serversFor(load, waitMs);
        assert.ok(estimate({ ...load, servers: enough }).p95Ms <= waitMs);
        assert.ok(enough === 1 || estimate({ ...load, servers: enough - 1 }).p95Ms > waitMs);
      }),
    );
    assert.equal(serversFor({ rate: 1e9, holdMs: 1_000, cv: 1 }, 100), Infinity);
  });

  it('finds the most requests per second: they are carried, 1 % more is not', () => {
    fc.assert(
      fc.property(queue, fc.double({ min: 0, max: 200, noNaN: true }), (load, waitMs) => {
        const rate = rateFor(load, waitMs);
        assert.ok(estimate({ ...load, rate }).p95Ms <= waitMs);
        const more = { ...load, rate: rate * 1.01 };
        assert.ok(estimate(more).p95Ms > waitMs || offeredBy(more) >= load.servers);
      }),
    );
  });
});
