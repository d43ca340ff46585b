import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#core/clock.js';

/** Nobody else gets a turn meanwhile. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('the time as of a moment ago', () => {
  it('never runs ahead of the clock, nor back', async () => {
    let before = systemClock.recently();
    for (let n = 0; n < 200; n++) {
      const recent = systemClock.recently();
      assert.ok(recent >= before && recent <= performance.now());
      before = recent;
      if (n % 10 === 0) await sleep(1);
    }
  });

  it('is the same until something else has had its turn, so that reading it costs nothing', () => {
    const first = systemClock.recently();
    block(30);
    assert.equal(systemClock.recently(), first);
  });

  it('is as new as the last look at the clock', () => {
    systemClock.recently();
    block(5);
    const now = systemClock.now();
    assert.ok(systemClock.recently() >= Math.floor(now));
  });

  it('is read anew when timers have had their turn after 10 ms, however long nobody asked', async () => {
    for (const ms of [15, 40]) {
      const first = systemClock.recently();
      await sleep(ms);
      const asked = performance.now();
      const recent = systemClock.recently();
      assert.ok(recent > first && recent >= asked - 11, `${asked - recent} ms behind`);
    }
  });
});
