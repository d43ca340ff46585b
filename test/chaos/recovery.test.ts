import assert from 'node:assert/strict';
import { lookAtAttempts } from './attempts.js';
import { baselineOf, lookAtRecovery } from './recovery.js';
import type { Second } from './types.js';

const start = 1_000_000;
const seconds = (...ok: number[]): Second[] =>
  ok.map((n, i) => ({ at: start + i * 1_000, ok: n, failed: 0 }));

describe('recovery after the last fault', () => {
  it('is measured against the usual rate before the first one, not its best or worst second', () => {
    const measured = seconds(100, 100, 100, 0, 100, 100, 100, 400, 100, 100, 100);
    assert.equal(baselineOf(measured, { from: start, to: start + 11_000 }), 100);
  });

  it('has no baseline where there were not enough whole seconds', () => {
    assert.equal(baselineOf(seconds(100), { from: start, to: start + 1_000 }), undefined);
    assert.equal(lookAtRecovery(seconds(100), 100, start), undefined);
  });

  it('may take five seconds', () => {
    const rate = (...ok: number[]) => lookAtRecovery(seconds(...ok), 100, start);
    assert.equal(rate(0, 0, 0, 0, 0, 100, 90)?.beyond, false);
    assert.equal(rate(0, 0, 0, 0, 0, 0, 100, 100)?.beyond, true);
    assert.equal(rate(94, 94, 94, 94, 94, 94, 94)?.beyond, true);
  });

  it('does not count seconds from before the healing', () => {
    const measured = seconds(100, 100, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assert.equal(lookAtRecovery(measured, 100, start + 2_500)?.beyond, true);
  });
});

describe('connection attempts in an outage', () => {
  const outage = { from: start, to: start + 2_500 };
  const attempts = (n: number, from: number) => Array.from({ length: n }, (_, i) => from + (i * 1_000) / n);

  it('are looked at second by second, once the pool can know', () => {
    const looks = lookAtAttempts([...attempts(100, start - 600), ...attempts(25, start + 500)], [outage]);
    assert.deepEqual(
      looks.map((look) => look.beyond),
      [false, false],
    );
  });

  it('are too many above 25 per second', () => {
    const looks = lookAtAttempts(attempts(26, start + 500), [outage]);
    assert.deepEqual(
      looks.map((look) => look.beyond),
      [true, false],
    );
  });

  it('are not looked at in outages that are over at once', () => {
    assert.deepEqual(lookAtAttempts(attempts(99, start), [{ from: start, to: start + 1_400 }]), []);
  });
});
