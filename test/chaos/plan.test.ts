import assert from 'node:assert/strict';
import fc from 'fast-check';
import { areCompatible } from './faults/rules.js';
import { planPhase } from './plan.js';
import { fastFaults, planSmoke } from './smoke-plan.js';
import { faultNames } from './types.js';

const aSeed = fc.nat(2 ** 31 - 1);

describe('the faults of the smoke run', () => {
  it('are the same for the same seed, and each comes once', () => {
    fc.assert(
      fc.property(aSeed, (seed) => {
        const rounds = planSmoke(seed);
        assert.deepEqual(planSmoke(seed), rounds);
        assert.deepEqual(
          rounds.flatMap((round) => round.map(({ fault }) => fault)).sort(),
          [...fastFaults].sort(),
        );
      }),
    );
  });

  it('are at work together only where they do not undo each other, and leave time for nine more seconds', () => {
    fc.assert(
      fc.property(aSeed, (seed) => {
        for (const round of planSmoke(seed)) {
          for (const one of round) {
            const others = round.filter((other) => other !== one && other.at === one.at);
            assert.ok(others.every((other) => areCompatible(one.fault, other.fault)));
            assert.ok(one.at + one.lastsMs < 8_000);
          }
        }
      }),
    );
  });
});

describe('the faults of a phase', () => {
  it('have two rounds at the least, each with time to recover behind its last fault', () => {
    fc.assert(
      fc.property(aSeed, fc.integer({ min: 1_000, max: 600_000 }), (seed, phaseMs) => {
        const { rounds } = planPhase(phaseMs, { seed, faults: faultNames });
        assert.ok(rounds.length >= 2);
        for (const round of rounds) assert.ok(round.every(({ at }) => at >= 0 && at < 100_000));
      }),
      { numRuns: 20 },
    );
  });

  it('are the same for the same seed', () => {
    const options = { seed: 7, faults: faultNames };
    assert.deepEqual(planPhase(130_000, options), planPhase(130_000, options));
  });
});
