import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { areCompatible, rules } from './faults/rules.js';
import { type PlannedFault, type PlanOptions, plan } from './faults/schedule.js';
import { type FaultName, faultNames } from './types.js';

const options = fc
  .record({
    seed: fc.integer(),
    durationMs: fc.integer({ min: 0, max: 600_000 }),
    faults: fc.subarray([...faultNames], { minLength: 1 }),
    atMost: fc.integer({ min: 1, max: 4 }),
    everyMs: fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 2_000, max: 6_000 })),
    healedWindowEveryMs: fc.integer({ min: 25_000, max: 60_000 }),
    healedWindowMs: fc.integer({ min: 0, max: 10_000 }),
    longestMs: fc.integer({ min: 500, max: 10_000 }),
    healMs: fc.integer({ min: 0, max: 2_000 }),
  })
  .map((record): Required<PlanOptions> => record);

const holds = (property: (options: Required<PlanOptions>, planned: PlannedFault[]) => void) =>
  fc.assert(fc.property(options, (given) => property(given, plan(given))));

describe('the plan of a chaos run', () => {
  /** The faults that are not over when this one begins. */
  const meanwhile = ({ at }: PlannedFault, planned: PlannedFault[], healMs: number) =>
    planned.filter((other) => other.at <= at && other.at + other.lastsMs + healMs > at);

  it('is the same for the same seed, and another for another', () => {
    fc.assert(fc.property(options, (given) => assert.deepEqual(plan(given), plan(given))));
    const given = { durationMs: 300_000, faults: faultNames };
    assert.notDeepEqual(plan({ seed: 1, ...given }), plan({ seed: 2, ...given }));
  });

  it('is in order, within the run, and of the faults that are asked for', () =>
    holds(({ faults, durationMs }, planned) => {
      let last = 0;
      for (const { at, fault, lastsMs } of planned) {
        assert.ok(at >= last && at + lastsMs <= durationMs && faults.includes(fault));
        last = at;
      }
    }));

  it('never has more faults at work at a time than it may', () =>
    holds(({ atMost, healMs }, planned) => {
      for (const one of planned) assert.ok(meanwhile(one, planned, healMs).length <= atMost);
    }));

  it('never has two at work together that undo each other, or can not be healed', () =>
    holds(({ healMs }, planned) => {
      for (const one of planned) {
        for (const other of meanwhile(one, planned, healMs)) {
          assert.ok(other === one || areCompatible(other.fault, one.fault));
        }
      }
    }));

  it('leaves the healed windows, and the end of the run, free of faults', () =>
    holds(({ healedWindowEveryMs, healedWindowMs, durationMs, healMs }, planned) => {
      for (const { at, lastsMs } of planned) {
        const end = (Math.floor(at / healedWindowEveryMs) + 1) * healedWindowEveryMs;
        assert.ok(at + lastsMs + healMs <= Math.min(end, durationMs) - healedWindowMs);
      }
    }));

  it('keeps each fault as short and as long as its rule says, and shorter where it must', () =>
    holds(({ longestMs }, planned) => {
      for (const { fault, lastsMs } of planned) {
        const [least, most] = rules[fault].durationMs;
        assert.ok(lastsMs >= Math.min(least, longestMs) && lastsMs <= Math.min(most, longestMs));
      }
    }));

  it('uses every fault before any comes again, unless it has no time for it in front of a window', () =>
    holds((given, planned) => {
      const { faults, healedWindowEveryMs, everyMs, longestMs, healMs } = given;
      const each = Math.max(...faults.map((fault) => Math.min(rules[fault].durationMs[1], longestMs)));
      // At worst one after the other; the last of them may not fit before the window.
      const usable = healedWindowEveryMs - given.healedWindowMs - each - healMs - everyMs[1];
      const inOnePeriod = Math.floor(usable / (each + healMs + everyMs[1]));
      fc.pre(inOnePeriod >= 1);
      const enough = (Math.ceil(faults.length / inOnePeriod) + 1) * healedWindowEveryMs;
      const used = new Set<FaultName>(plan({ ...given, durationMs: enough }).map(({ fault }) => fault));
      assert.deepEqual([...used].sort(), [...faults].sort());
      const firsts = planned.slice(0, faults.length);
      if (planned.at(-1) && firsts.length === faults.length && isUnhindered(firsts, given)) {
        assert.equal(new Set(firsts.map(({ fault }) => fault)).size, faults.length);
      }
    }));

  /** All of them in the first period. */
  const isUnhindered = (planned: PlannedFault[], { healedWindowEveryMs }: Required<PlanOptions>) =>
    planned.every(({ at }) => at < healedWindowEveryMs);

  it('begins faults in the given rhythm where nothing hinders it', () => {
    const planned = plan({
      seed: 3,
      durationMs: 600_000,
      faults: ['client-aborts', 'delay', 'kill', 'rst'],
      atMost: 4,
    });
    const pauses = planned.slice(1).map(({ at }, index) => at - (planned[index] as PlannedFault).at);
    assert.ok(Math.min(...pauses) >= 1_000);
    assert.ok(planned.length > 100);
  });

  it('refuses to plan nothing', () => {
    assert.throws(() => plan({ seed: 1, durationMs: 1_000, faults: [] }), RangeError);
  });
});

describe('faults that may be at work together', () => {
  const names = fc.constantFrom(...faultNames);

  it('are the same in either order, and never one with itself', () => {
    fc.assert(
      fc.property(names, names, (one, other) => {
        assert.equal(areCompatible(one, other), areCompatible(other, one));
        assert.ok(!areCompatible(one, one));
      }),
    );
  });

  it('need no server while it is frozen or gone', () => {
    const atTheServer: FaultName[] = [
      'kill',
      'kill-query',
      'max-connections',
      'max-user-connections',
      'read-only',
    ];
    atTheServer.push('wait-timeout', 'account', 'password', 'freeze', 'restart');
    for (const process of ['freeze', 'restart'] as const) {
      for (const fault of faultNames)
        assert.equal(areCompatible(process, fault), !atTheServer.includes(fault));
    }
  });
});
