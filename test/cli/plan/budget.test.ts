import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { advise } from '#cli/plan/advice.js';
import { budget, type Demand, wantedBy } from '#cli/plan/budget.js';
import type { Load } from '#cli/plan/load.js';

const demands: fc.Arbitrary<Demand> = fc
  .record({
    processes: fc.integer({ min: 1, max: 5_000 }),
    pools: fc.integer({ min: 1, max: 4 }),
    max: fc.integer({ min: 1, max: 500 }),
    serverMax: fc.integer({ min: 1, max: 100_000 }),
    reserve: fc.integer({ min: 0, max: 100_000 }),
    rolling: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  })
  .filter(({ serverMax, reserve }) => reserve < serverMax);

const fitsIn = (demand: Demand) => wantedBy(demand) <= demand.serverMax - demand.reserve;

const incident: Demand = { processes: 640, pools: 1, max: 200, serverMax: 1_600, reserve: 160, rolling: 0 };
const quiet: Load = { rate: undefined, holdMs: 10, cv: 1, waitMs: 100, seed: 1 };

describe('the sum of all pools', () => {
  it('counts each pool with its control connection, and what the server has without the reserve', () => {
    const { wanted, available, fits, left, maxThatFits, leftWithThat } = budget(incident);
    assert.deepEqual(
      { wanted, available, fits, left, maxThatFits, leftWithThat },
      { wanted: 128_640, available: 1_440, fits: false, left: -127_200, maxThatFits: 1, leftWithThat: 160 },
    );
    assert.equal(budget({ ...incident, pools: 2 }).wanted, 257_280);
  });

  it('counts old and new processes during a rolling restart, a part of one as one', () => {
    assert.equal(budget({ ...incident, rolling: 1 }).wanted, 257_280);
    assert.equal(budget({ ...incident, rolling: 0.25 }).peakProcesses, 800);
    assert.equal(budget({ ...incident, processes: 3, rolling: 0.25 }).peakProcesses, 4);
    // 100 * 0.07 = 7.000000000000001 in floating point.
    assert.equal(budget({ ...incident, processes: 100, rolling: 0.07 }).peakProcesses, 107);
  });

  it('is full at exactly what there is, and one connection less does not do', () => {
    const exact: Demand = { ...incident, max: 1, serverMax: 1_280, reserve: 0 };
    assert.deepEqual([budget(exact).fits, budget(exact).left], [true, 0]);
    assert.equal(budget({ ...exact, reserve: 1 }).fits, false);
  });

  it('says of a max that it fits: it does, and one more does not', () => {
    fc.assert(
      fc.property(demands, (demand) => {
        const { maxThatFits, fits, leftWithThat } = budget(demand);
        assert.equal(fits, fitsIn(demand));
        assert.equal(fits, demand.max <= maxThatFits);
        assert.equal(fitsIn({ ...demand, max: maxThatFits + 1 }), false);
        if (maxThatFits === 0) return;
        assert.ok(fitsIn({ ...demand, max: maxThatFits }));
        assert.equal(
          leftWithThat,
          demand.serverMax - demand.reserve - wantedBy({ ...demand, max: maxThatFits }),
        );
      }),
    );
  });

  it('says of a number of processes that it fits: it does, and one more does not', () => {
    fc.assert(
      fc.property(demands, (demand) => {
        const { processesThatFit, processesAtMostEver } = budget(demand);
        for (const [processes, max] of [
          [processesThatFit, demand.max],
          [processesAtMostEver, 1],
        ] as const) {
          assert.ok(fitsIn({ ...demand, max, processes }));
          assert.equal(fitsIn({ ...demand, max, processes: processes + 1 }), false);
        }
      }),
    );
  });
});

describe('the advice', () => {
  const verdict = (demand: Partial<Demand>, load: Partial<Load> = {}) => {
    const asked = { ...incident, ...demand };
    return advise(asked, budget(asked), { ...quiet, ...load }).verdict;
  };

  it('is a smaller max while one fits, a proxy from the first process on for which none does', () => {
    assert.equal(verdict({}), 'lower-max');
    assert.equal(verdict({ processes: 720 }), 'lower-max');
    assert.equal(verdict({ processes: 721 }), 'proxy');
    assert.equal(verdict({ rolling: 1 }), 'proxy');
    assert.equal(verdict({ processes: 7 }), 'fits');
  });

  it('goes by the load where there is one: a max that fits and is too small is none', () => {
    assert.equal(verdict({}, { rate: 40_000 }), 'lower-max');
    assert.equal(verdict({}, { rate: 50_000 }), 'proxy');
    assert.equal(verdict({}, { rate: 150_000 }), 'server');
    assert.equal(verdict({ processes: 4, max: 10 }, { rate: 3_000 }), 'fits');
    assert.equal(verdict({ processes: 4, max: 10 }, { rate: 5_000 }), 'raise-max');
  });

  it('names the most processes whose own pools carry the load: they do, one more does not', () => {
    fc.assert(
      fc.property(demands, fc.double({ min: 1, max: 50_000, noNaN: true }), (demand, rate) => {
        const load = { ...quiet, rate };
        const most = advise(demand, budget(demand), load).processesForLoad as number;
        const enough = (processes: number) => {
          const asked = { ...demand, processes };
          const { maxForLoad } = advise(asked, budget(asked), load);
          return (maxForLoad as number) <= budget(asked).maxThatFits;
        };
        assert.ok(most <= demand.processes);
        assert.ok(most === 0 || enough(most));
        assert.ok(most === demand.processes || !enough(most + 1));
      }),
      { numRuns: 25 },
    );
  });
});
