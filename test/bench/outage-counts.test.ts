import assert from 'node:assert/strict';
import type { Call } from '#bench/faults/call.js';
import { countOutage, longerThan } from '#bench/faults/outage-counts.js';

const outage = { from: 1_000, gone: 1_010, back: 2_000 };

const call = (changes: Partial<Call>): Call => ({
  asked: 0,
  granted: null,
  ended: null,
  error: null,
  ...changes,
});
const failed = (granted: number | null, ended: number) => call({ granted, ended, error: 'lost' });

function counts(...calls: Call[]) {
  const { inFlight, failedBeyond, deadHandedOut } = countOutage(calls, outage);
  return { inFlight, failedBeyond, deadHandedOut };
}

describe('bench: calls during an outage', () => {
  it('those on a connection when the server died are in flight, and not counted against anybody', () => {
    const calls = [failed(999, 1_012), failed(1_005, 1_011)];
    assert.deepEqual(counts(...calls), { inFlight: 2, failedBeyond: 0, deadHandedOut: 0 });
  });

  it('a connection granted after the server was gone is a dead one when its call fails', () => {
    assert.deepEqual(counts(failed(1_011, 1_012)), { inFlight: 0, failedBeyond: 1, deadHandedOut: 1 });
  });

  it('one granted after its return whose call succeeds is not', () => {
    const success = call({ granted: 2_005, ended: 2_010 });
    assert.deepEqual(counts(success), { inFlight: 0, failedBeyond: 0, deadHandedOut: 0 });
  });

  it('a call that never got a connection has failed, and so has one that never ended', () => {
    const calls = [failed(null, 1_500), call({ asked: 1_200 })];
    assert.deepEqual(counts(...calls), { inFlight: 0, failedBeyond: 2, deadHandedOut: 0 });
  });

  it('what failed before the server died was not in flight: nothing explains it', () => {
    assert.deepEqual(counts(failed(500, 600)), { inFlight: 0, failedBeyond: 1, deadHandedOut: 0 });
  });

  it('the first success is counted from the return of the server, earlier ones are not', () => {
    const calls = [call({ granted: 900, ended: 950 }), call({ granted: 2_030, ended: 2_050 })];
    assert.equal(countOutage(calls, outage).firstSuccessMs, 50);
    assert.equal(countOutage([failed(null, 2_500)], outage).firstSuccessMs, Number.POSITIVE_INFINITY);
  });
});

describe('bench: calls that took too long', () => {
  it('are those above the limit, and those that have not ended', () => {
    const calls = [call({ ended: 4_000 }), call({ ended: 4_001 }), failed(null, 5_000), call({})];
    assert.equal(longerThan(4_000, calls), 3);
  });
});
