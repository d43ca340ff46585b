import assert from 'node:assert/strict';
import { findDeadlock } from '#core/deadlock.js';
import type { Holder } from '#core/entry.js';
import { Owner } from '#core/owner.js';

function owner(within: Owner | null = null, isOver = false): Owner {
  return new Owner(
    () => 'GET /',
    () => isOver,
    within,
  );
}

const by = (each?: Owner, comesBack = false): Holder => ({ route: 'GET /', owner: each, comesBack });
const waiter = (each?: Owner) => ({ holder: by(each) });

describe('the wait-for check', () => {
  const [a, b] = [owner(), owner()];

  it('all who hold wait: the last one who waits and holds is what makes it complete', () => {
    const [first, last, other] = [waiter(a), waiter(b), waiter(owner())];
    assert.equal(findDeadlock([by(a), by(b)], [first, last]), last);
    assert.equal(findDeadlock([by(a), by(b)], [last, first, other]), first);
    assert.equal(findDeadlock([by(a)], [first]), first);
  });

  it('one who holds and does not wait gives something back', () => {
    assert.equal(findDeadlock([by(a), by(b)], [waiter(a), waiter(a)]), null);
  });

  it('one of whom nothing is known may give something back', () => {
    assert.equal(findDeadlock([by(a), by(undefined)], [waiter(a), waiter(undefined)]), null);
  });

  it('what is held for one statement comes back', () => {
    assert.equal(findDeadlock([by(a, true)], [waiter(a)]), null);
    assert.equal(findDeadlock([by(a), by(a, true)], [waiter(a)]), null);
  });

  it('what somebody holds who is over comes back, and nobody waits for what it asks for', () => {
    const over = owner(null, true);
    assert.equal(findDeadlock([by(over)], [waiter(over)]), null);
    // A job of a request that was answered meanwhile.
    const job = owner(over);
    const last = waiter(job);
    assert.equal(findDeadlock([by(over), by(job)], [last]), null);
    assert.equal(findDeadlock([by(job)], [last]), last);
  });

  it('whoever started a job waits with it, but the job does not wait with who started it', () => {
    const job = owner(a);
    const last = waiter(job);
    assert.equal(findDeadlock([by(a)], [last]), last);
    assert.equal(findDeadlock([by(job)], [waiter(a)]), null);
    assert.equal(findDeadlock([by(a), by(job)], [last]), last);
  });

  it('who waits and holds nothing is no part of it', () => {
    assert.equal(findDeadlock([by(a)], [waiter(b)]), null);
  });
});
