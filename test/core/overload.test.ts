import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Moment } from '#core/moment.js';
import { INTERVAL_MS, type Oldest, Overload } from '#core/overload.js';
import { FakeClock } from './fake-clock.js';
import { fixed, irregular, mixed, type Outcome, Simulation } from './overload-simulation.js';

/** Another one finds other loads. */
const seed = Number(process.env.HANDBACK_SEED ?? 20);
const anySeed = fc.integer({ min: 1, max: 1_000_000 });
/** Ten connections for 20 ms each. */
const CAPACITY = 500;

function overloaded(times: number, queue: 'adaptive' | 'fifo' = 'adaptive', seconds = 12): Simulation {
  const simulation = new Simulation({ seed, serviceMs: irregular(20), pool: { queue } });
  simulation.offer('request', CAPACITY * times, seconds * 1_000);
  simulation.run(seconds * 1_000);
  return simulation;
}

function waits(outcomes: readonly Outcome[]): number[] {
  return outcomes.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
}

/** They were given their connections in the order in which they came. */
function assertInOrder(outcomes: readonly Outcome[]): void {
  const begun = outcomes.filter(({ waitedMs }) => waitedMs < Number.POSITIVE_INFINITY);
  const starts = begun.map(({ cameAt, waitedMs }) => cameAt + waitedMs);
  for (let n = 1; n < starts.length; n++) assert.ok((starts[n - 1] as number) <= (starts[n] as number));
}

describe(`under overload (HANDBACK_SEED=${seed})`, () => {
  it('at twice the capacity nearly all of it is answered within 200 ms', () => {
    const services = fc.constantFrom(fixed(20), irregular(20), mixed(20));
    fc.assert(
      fc.property(anySeed, services, (of, serviceMs) => {
        const simulation = new Simulation({ seed: of, serviceMs });
        simulation.offer('request', 2 * CAPACITY, 12_000);
        simulation.run(12_000);
        const could = 12 * CAPACITY;
        assert.ok(simulation.answeredWithin(1_000) >= 0.95 * could);
        assert.ok(simulation.answeredWithin(200) >= 0.85 * could);
      }),
      { seed, numRuns: 6 },
    );
  });

  it("with queue: 'fifo' hardly any of it is, nobody is shed, and all are served in order", () => {
    const simulation = overloaded(2, 'fifo');
    assert.ok(simulation.answeredWithin(1_000) < 0.25 * 12 * CAPACITY);
    assert.deepEqual(simulation.refused('OVERLOADED'), []);
    assert.ok(simulation.refused('ACQUIRE_TIMEOUT').length > 700);
    assertInOrder(simulation.outcomes);
  });

  for (const times of [1.2, 2, 5]) {
    it(`at ${times} times the capacity those that are too many hear of it early, and nobody meets the deadline`, () => {
      const simulation = overloaded(times);
      const shed = simulation.refused('OVERLOADED');
      assert.equal(simulation.refused().length, shed.length);
      assert.equal(simulation.counters.shed, shed.length);
      assert.equal(simulation.counters.timedOut, 0);
      assert.ok(shed.length > 0.8 * (times - 1) * 10 * CAPACITY, `${shed.length} were refused`);
      // Once it is known to stand.
      const later = waits(shed.slice(shed.length >> 1));
      assert.ok((later.at(-1) as number) <= 1_000, `${later.at(-1)} ms`);
    });
  }

  it('queries of a second each: those that are too many hear of it, and do not all meet the deadline instead', () => {
    const services = fc.constantFrom(fixed(1_000), irregular(1_000));
    fc.assert(
      fc.property(anySeed, services, fc.constantFrom(2, 4), (of, serviceMs, times) => {
        const simulation = new Simulation({ seed: of, serviceMs });
        simulation.offer('request', 10 * times, 60_000);
        simulation.run(60_000);
        const [early, late] = ['OVERLOADED', 'ACQUIRE_TIMEOUT'].map(
          (code) => simulation.refused(code).length,
        );
        assert.ok((late as number) < 0.3 * (early as number), `${late} met the deadline, ${early} did not`);
      }),
      { seed, numRuns: 10 },
    );
  });

  it('a load that is only a little too much does not bring the line to the deadline either', () => {
    const simulation = new Simulation({ seed, serviceMs: fixed(20) });
    simulation.offer('request', 1.03 * CAPACITY, 240_000);
    simulation.run(246_000);
    assert.ok(simulation.refused('OVERLOADED').length > 0);
    assert.deepEqual(simulation.refused('ACQUIRE_TIMEOUT'), []);
  }).timeout(60_000);

  it('up to nine tenths of the capacity nobody is refused', () => {
    const load = fc.record({
      of: anySeed,
      part: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
      connections: fc.constantFrom(1, 5, 10, 50),
      serviceMs: fc.constantFrom(fixed(20), irregular(20), mixed(20)),
    });
    fc.assert(
      fc.property(load, ({ of, part, connections, serviceMs }) => {
        const simulation = new Simulation({ seed: of, connections, serviceMs });
        simulation.offer('request', part * connections * 50, 15_000);
        simulation.run(25_000);
        assert.equal(simulation.refused().length, 0);
      }),
      { seed, numRuns: 25 },
    );
  }).timeout(60_000);

  it('a burst that can be served within the deadline is, all of it and in its order', () => {
    const burst = fc.record({
      of: anySeed,
      parts: fc.double({ min: 0, max: 0.8, noNaN: true }),
      serviceMs: fc.constantFrom(2, 20, 200),
      before: fc.constantFrom(0, 0.3, 0.5),
    });
    fc.assert(
      fc.property(burst, ({ of, parts, serviceMs, before }) => {
        const perSecond = 10_000 / serviceMs;
        const simulation = new Simulation({ seed: of, serviceMs: fixed(serviceMs) });
        simulation.offer('request', before * perSecond, 1_000);
        simulation.run(1_000);
        // As long as the deadline leaves time for.
        simulation.burst('request', Math.min(9_000, Math.floor(parts * 5 * perSecond)));
        simulation.run(12_000);
        assert.equal(simulation.refused().length, 0);
        assertInOrder(simulation.outcomes);
      }),
      { seed, numRuns: 25 },
    );
  }).timeout(60_000);

  it('a burst on top of half the load is served as well, and so is all that comes behind it', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('request', CAPACITY / 2, 15_000);
    simulation.run(1_000);
    simulation.burst('request', 1_500);
    simulation.run(20_000);
    assert.deepEqual(simulation.refused(), []);
  });

  for (const clients of [20, 200, 1_000]) {
    it(`${clients} clients, each of whom comes again with its answer, are all served`, () => {
      const simulation = new Simulation({ seed, serviceMs: irregular(20) });
      simulation.clients(clients, 10_000);
      simulation.run(16_000);
      assert.deepEqual(simulation.refused(), []);
      const fairly = (clients / CAPACITY) * 1_000;
      assert.ok((waits(simulation.outcomes).at(-1) as number) < 2 * fairly + 500);
    });
  }

  it('so many clients that their line takes four fifths of the deadline are served as well', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.clients(4 * CAPACITY, 40_000, 1);
    simulation.run(46_000);
    assert.deepEqual(simulation.refused(), []);
    assertInOrder(simulation.outcomes);
  });

  it('as soon as it takes longer than the deadline they hear of it, although it does not grow', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.clients(6 * CAPACITY, 10_000, 1);
    simulation.run(10_000);
    assert.ok(simulation.refused('OVERLOADED').length > 0);
    assert.deepEqual(simulation.refused('ACQUIRE_TIMEOUT'), []);
  });

  it('clients that come again the moment they are refused do not keep an overload alive that is over', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.clients(3 * CAPACITY, 40_000, 1);
    simulation.offer('request', 3 * CAPACITY, 4_000);
    simulation.run(12_000);
    const { shed } = simulation.counters;
    assert.ok(shed > 0);
    simulation.run(35_000);
    assert.deepEqual([simulation.counters.shed, simulation.counters.timedOut], [shed, 0]);
    assertInOrder(simulation.outcomes.filter(({ cameAt }) => cameAt > 16_000));
  });

  it('so are those of them that come one after the other, and after some seconds they are in order again', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    for (let n = 0; n < 15; n++) {
      simulation.clients(15, 15_000);
      simulation.run(20);
    }
    simulation.run(20_000);
    assert.deepEqual(simulation.refused(), []);
    assertInOrder(simulation.outcomes.filter(({ cameAt }) => cameAt > 8_000));
  });

  it('a burst, however large, leaves the order of arrival as it is for those behind it', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('request', 0.8 * CAPACITY, 12_000);
    simulation.run(1_000);
    simulation.burst('request', 1_000);
    simulation.run(20_000);
    assertInOrder(simulation.outcomes);
    assert.deepEqual(simulation.refused(), []);
  });

  it('is over when the load is: within a second nobody is refused, and nobody waits for long', () => {
    const simulation = overloaded(2);
    simulation.offer('request', CAPACITY / 2, 10_000);
    simulation.run(1_000);
    const before = simulation.outcomes.length;
    simulation.run(15_000);
    const after = simulation.outcomes.slice(before);
    assert.ok(after.length > 1_000);
    assert.deepEqual(
      after.filter(({ error }) => error),
      [],
    );
    assert.ok((waits(after).at(-1) as number) < 400);
  });

  it('Retry-After is what the measured rate makes of those who wait', () => {
    const seconds = (times: number) =>
      overloaded(times)
        .refused('OVERLOADED')
        .map(({ error }) => Number(error?.headers?.['Retry-After']));
    const [mild, heavy] = [seconds(2), seconds(8)];
    for (const each of [...mild, ...heavy]) assert.ok(Number.isInteger(each) && each >= 1 && each <= 60);
    // 8 times the capacity for half a second and more is work for at least 3.5 seconds, and at most twice that is said.
    const late = heavy.slice(heavy.length >> 1);
    assert.ok(
      Math.min(...late) >= 3 && Math.max(...late) <= 12,
      `${Math.min(...late)} to ${Math.max(...late)}`,
    );
    assert.ok(new Set(late).size > 2, 'they do not come back together');
    assert.ok(Math.max(...mild.slice(mild.length >> 1)) <= 3);
  });

  it('the report has the rate, and the refusal is an unavailable service', () => {
    const [shed] = overloaded(2).refused('OVERLOADED').slice(-1);
    const { statusCode, status, report } = shed?.error ?? {};
    assert.deepEqual([statusCode, status], [503, 503]);
    assert.ok(Math.abs((report?.servedPerSecond ?? 0) - CAPACITY) < 0.3 * CAPACITY);
    assert.ok((report?.pending ?? 0) > 100 && (report?.waitedMs ?? 0) >= 500);
  });
});

describe('an overload that nobody waits in any more', () => {
  it('is forgotten: who comes next is served in the order of arrival', async () => {
    const clock = new FakeClock();
    const came = new Moment();
    came.at = clock.now();
    let oldest: Oldest | null = { came, timeoutMs: 60_000 };
    const overload = new Overload(clock, {
      oldest: () => oldest,
      waiting: () => 100,
      complete: () => true,
      shed: () => {},
    });
    const tick = () => {
      for (let n = 0; n < 40; n++) {
        overload.came();
        if (n % 2 === 0) overload.handedOver(true);
      }
      return clock.advance(INTERVAL_MS);
    };
    for (let n = 0; n < 5; n++) await tick();
    assert.deepEqual([overload.newestFirst, overload.turn === null], [true, false]);
    oldest = null;
    overload.emptied();
    assert.deepEqual([overload.newestFirst, overload.turn], [false, null]);
  });
});

describe('jobs under overload', () => {
  it('keep their order, are never shed, and get through while requests stand', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('request', 2 * CAPACITY, 12_000);
    simulation.offer('job', 0.3 * CAPACITY, 12_000);
    simulation.run(18_000);
    const jobs = simulation.of('job');
    assert.deepEqual(
      jobs.filter(({ error }) => error),
      [],
    );
    assertInOrder(jobs);
    assert.ok((waits(jobs).at(-1) as number) < 1_000, `${waits(jobs).at(-1)} ms`);
    assert.ok(simulation.answeredWithin(200) > 0.6 * 12 * CAPACITY);
  });

  it('as many as can be have half of it at most while requests stand, and those the other half', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('request', 2 * CAPACITY, 12_000);
    simulation.offer('job', 2 * CAPACITY, 12_000);
    simulation.run(12_000);
    assert.ok(simulation.answeredWithin(1_000) > 0.4 * 12 * CAPACITY);
    assert.ok(simulation.answeredWithin(6_000, 'job') > 0.4 * 12 * CAPACITY);
    assertInOrder(simulation.of('job'));
    for (const { error } of simulation.of('job')) assert.notEqual(error?.code, 'OVERLOADED');
  });

  it('many at once do not keep requests waiting until they are done', () => {
    const simulation = new Simulation({
      seed,
      serviceMs: irregular(20),
      pool: { acquireTimeoutMs: 60_000 },
    });
    simulation.burst('job', 5_000);
    simulation.offer('request', 0.3 * CAPACITY, 8_000);
    simulation.run(30_000);
    assert.deepEqual(simulation.refused(), []);
    // As long as others come behind them: the last ones have no line of their own.
    const requests = simulation.of('request').filter(({ cameAt }) => cameAt < 8_000);
    assert.ok((waits(requests).at(-1) as number) < 1_500);
    assertInOrder(simulation.of('job'));
  });

  it('too many of them alone are as before: in order, up to their deadline', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('job', 2 * CAPACITY, 12_000);
    simulation.run(12_000);
    assertInOrder(simulation.outcomes);
    assert.deepEqual(simulation.refused('OVERLOADED'), []);
    assert.ok(simulation.refused('ACQUIRE_TIMEOUT').length > 700);
  });
});

describe('what is not overload', () => {
  it('connections that are still being opened', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.complete = false;
    simulation.offer('request', 2 * CAPACITY, 4_000);
    simulation.run(4_500);
    assert.deepEqual(simulation.refused(), []);
    assertInOrder(simulation.outcomes);
  });

  it('a server that stands still: nobody is shed, all have their whole time', () => {
    let frozen = false;
    const simulation = new Simulation({ seed, serviceMs: () => (frozen ? 60_000 : 20) });
    simulation.offer('request', 0.8 * CAPACITY, 6_000);
    simulation.run(1_000);
    frozen = true;
    simulation.run(8_000);
    assert.deepEqual(simulation.refused('OVERLOADED'), []);
    // Deadlines are whole milliseconds, none of them too soon.
    for (const { tookMs } of simulation.refused())
      assert.ok(tookMs > 4_999.9 && tookMs <= 5_001, `${tookMs}`);
  });

  it('an event loop that was blocked, on its way', () => {
    const simulation = new Simulation({ seed, serviceMs: irregular(20) });
    simulation.offer('request', 0.8 * CAPACITY, 10_000);
    for (let n = 0; n < 4; n++) {
      simulation.run(1_500);
      simulation.clock.stall(2_000);
    }
    simulation.run(10_000);
    assert.deepEqual(simulation.refused(), []);
  });

  it('nor does it take the patience of those who wait while the line stands', () => {
    const simulation = overloaded(2, 'adaptive', 5);
    simulation.offer('request', 2 * CAPACITY, 5_000);
    simulation.run(1_000);
    simulation.clock.stall(3_000);
    const shedBefore = simulation.counters.shed;
    simulation.run(450);
    assert.equal(simulation.counters.shed, shedBefore);
    simulation.run(1_000);
    assert.ok(simulation.counters.shed > shedBefore);
  });
});
