import { strict as assert } from 'node:assert';
import { estimate, type Queue } from '#cli/plan/estimate.js';
import { holdTimes } from '#cli/plan/hold-times.js';
import { lineAt, loadLines } from '#cli/plan/load.js';
import { randomNumbers } from '#cli/plan/random.js';
import { simulate } from '#cli/plan/simulation.js';

const atLoad = (servers: number, load: number, cv = 1): Queue => ({
  servers,
  rate: servers * load * 100,
  holdMs: 10,
  cv,
});

/** The seed is fixed: what is within the bounds once is so always. */
function apart(queue: Queue) {
  const formula = estimate(queue);
  const simulated = simulate(queue, 1);
  assert.ok(simulated);
  const meanApart = Math.abs(formula.meanMs - simulated.meanMs);
  return {
    formula,
    shareApart: meanApart / simulated.meanMs,
    errorsApart: meanApart / simulated.errorMs,
    waitingApart: Math.abs(formula.waiting - simulated.waiting),
    p95Apart: Math.abs(formula.p95Ms - simulated.p95Ms) / (simulated.p95Ms || 1),
  };
}

describe('the simulation', () => {
  it('agrees with Erlang C', () => {
    for (const servers of [1, 2, 5, 10, 50]) {
      for (const load of [0.7, 0.9]) {
        const { formula, shareApart, errorsApart, waitingApart, p95Apart } = apart(atLoad(servers, load));
        const which = `${servers} at ${load}`;
        assert.ok(errorsApart < 2, `${which}: ${errorsApart} times the simulation's own error`);
        assert.ok(waitingApart < 0.02, `${which}: waiting ${waitingApart}`);
        // Where hardly anybody waits a share of it says nothing.
        if (formula.waiting < 0.05) continue;
        assert.ok(shareApart < 0.06, `${which}: mean ${shareApart}`);
        assert.ok(p95Apart < 0.06, `${which}: p95 ${p95Apart}`);
      }
    }
  });

  it('agrees with the known value for times that are all the same on one connection', () => {
    // Pollaczek and Khinchine: rho / (1 - rho) / 2 hold times.
    const simulated = simulate(atLoad(1, 0.8, 0), 1);
    assert.ok(Math.abs((simulated?.meanMs ?? 0) - 20) < 0.5);
  });

  it('agrees with the approximation for other spreads', () => {
    for (const cv of [0.3, 0.5, 2]) {
      for (const servers of [1, 4]) {
        const { shareApart } = apart(atLoad(servers, 0.8, cv));
        assert.ok(shareApart < 0.08, `cv ${cv}, ${servers}: ${shareApart}`);
      }
    }
  });

  it('is the same for the same seed, another for another', () => {
    const queue = atLoad(3, 0.8);
    assert.deepEqual(simulate(queue, 7), simulate(queue, 7));
    assert.notEqual(simulate(queue, 7)?.meanMs, simulate(queue, 8)?.meanMs);
  });

  it('draws hold times with the mean and the spread that were asked for', () => {
    for (const cv of [0, 0.1, 0.3, 0.7, 1, 2, 5]) {
      const draw = holdTimes(randomNumbers(3), 20, cv);
      const times = Array.from({ length: 200_000 }, draw);
      const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
      const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length;
      assert.ok(Math.abs(mean - 20) < 0.5, `cv ${cv}: mean ${mean}`);
      assert.ok(Math.abs(Math.sqrt(variance) / mean - cv) < 0.05 * cv + 1e-9, `cv ${cv}`);
      assert.ok(times.every((time) => time > 0));
    }
  });

  it('has nothing to say where the line never ends', () => {
    assert.equal(simulate(atLoad(2, 1), 1), undefined);
    const line = lineAt({ count: 4, max: 2 }, { rate: 801, holdMs: 10, cv: 1, waitMs: 100, seed: 1 }, 801);
    assert.deepEqual([line.simulation, line.difference, line.withinError], [undefined, undefined, undefined]);
  });

  it('goes through the loads when no rate is given: each pool for itself, and who waits in all of them', () => {
    const lines = loadLines(
      { count: 64, max: 10 },
      { rate: undefined, holdMs: 10, cv: 1, waitMs: 100, seed: 1 },
    );
    assert.deepEqual(
      lines.map(({ load, rate }) => [Number(load.toFixed(9)), Math.round(rate)]),
      [
        [0.5, 32_000],
        [0.7, 44_800],
        [0.8, 51_200],
        [0.9, 57_600],
        [0.95, 60_800],
        [0.99, 63_360],
      ],
    );
    for (const { estimate: each, queuedInAll, ratePerPool, rate } of lines) {
      assert.equal(queuedInAll, each.queued * 64);
      assert.equal(ratePerPool, rate / 64);
    }
  });
});
