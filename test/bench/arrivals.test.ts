import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { arrivals, onSchedule, seeded } from '#bench/measure/arrivals.js';

describe('bench: when requests arrive', () => {
  const schedule = { perSecond: 1_000, durationMs: 10_000, seed: 7 };

  it('is the same for all who are measured: the seed decides', () => {
    assert.deepEqual(arrivals(schedule), arrivals(schedule));
    assert.notDeepEqual(arrivals(schedule), arrivals({ ...schedule, seed: 8 }));
  });

  it('is in order, and within the duration', () => {
    const times = arrivals(schedule);
    assert.ok(times.every((time, i) => time >= 0 && time < 10_000 && time >= (times[i - 1] ?? 0)));
  });

  it('is as often as was asked for, and as irregular as people are', () => {
    const times = arrivals(schedule);
    // 10 000 of them: three standard deviations are 300.
    assert.ok(Math.abs(times.length - 10_000) < 300, String(times.length));
    const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    // Of gaps between independent arrivals both are equal.
    assert.ok(Math.abs(spread / mean - 1) < 0.05, String(spread / mean));
  });

  it('draws from all between 0 and 1', () => {
    const random = seeded(1);
    const drawn = Array.from({ length: 10_000 }, random);
    assert.ok(drawn.every((number) => number >= 0 && number < 1));
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = drawn.filter((number) => Math.floor(number * 10) === tenth).length;
      assert.ok(Math.abs(within - 1_000) < 120, `${within} of 10000 in tenth ${tenth}`);
    }
  });
});

describe('bench: a schedule that waits for nobody', () => {
  it('begins each at its time, in order, while those before have not ended', async () => {
    const begun: number[] = [];
    let ended = 0;
    await onSchedule([0, 0, 3, 6], (index, due) => {
      assert.ok(performance.now() >= due, 'begun too early');
      begun.push(index);
      void sleep(1_000, undefined, { ref: false }).then(() => ended++);
    });
    assert.deepEqual([begun, ended], [[0, 1, 2, 3], 0]);
  });

  it('makes up for what was due while the process was busy', async () => {
    const begun: number[] = [];
    await onSchedule([0, 1, 2, 3], (index) => {
      begun.push(index);
      const until = performance.now() + 5;
      while (performance.now() < until);
    });
    assert.deepEqual(begun, [0, 1, 2, 3]);
  });
});
