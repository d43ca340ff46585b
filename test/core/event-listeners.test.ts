import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PoolEvents } from '#core/events.js';

const heard = (events: PoolEvents) => [events.hearsAcquire, events.hearsRelease];

describe('whether somebody listens to the events of every lease', () => {
  it('is known from the first listener to the last, however they come and go', () => {
    const events = new PoolEvents();
    const listener = () => {};
    assert.deepEqual(heard(events), [false, false]);
    events.on('release', listener);
    assert.deepEqual(heard(events), [false, true]);
    events.addListener('acquire', listener).prependListener('acquire', listener);
    assert.deepEqual(heard(events), [true, true]);
    events.off('acquire', listener);
    assert.deepEqual(heard(events), [true, true]);
    events.removeListener('acquire', listener);
    assert.deepEqual(heard(events), [false, true]);
    events.off('release', listener);
    assert.deepEqual(heard(events), [false, false]);
    events.on('release', listener);
    events.removeAllListeners();
    assert.deepEqual(heard(events), [false, false]);
    events.prependOnceListener('acquire', listener);
    assert.deepEqual(heard(events), [true, false]);
    events.removeAllListeners('acquire');
    assert.deepEqual(heard(events), [false, false]);
  });

  it('by one who listens once: until they have heard', async () => {
    const events = new PoolEvents();
    const lease = { connection: 1, lease: 1, route: 'r' };
    events.once('acquire', () => {});
    const awaited = once(events, 'release');
    assert.deepEqual(heard(events), [true, true]);
    events.tell('acquire', { ...lease, waitedMs: 0 });
    events.tell('release', { ...lease, heldMs: 0, usedMs: 0, statements: 0, clean: true });
    await awaited;
    assert.deepEqual(heard(events), [false, false]);
  });

  it('is nobody’s who listens to something else', () => {
    const events = new PoolEvents();
    events.on('warning', () => {});
    assert.deepEqual(heard(events), [false, false]);
    assert.equal(events.listenerCount('warning'), 1);
  });
});
