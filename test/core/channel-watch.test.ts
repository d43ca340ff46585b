import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { watchAny } from '#core/channel-watch.js';
import { published } from '#core/channels.js';

const listener = () => {};

interface Way {
  readonly name: string;
  begin(channelName: string): void;
  end(channelName: string): void;
}

const store = new AsyncLocalStorage<unknown>();

const ways: readonly Way[] = [
  {
    name: 'subscribe(name, …)',
    begin: (name) => subscribe(name, listener),
    end: (name) => unsubscribe(name, listener),
  },
  {
    name: 'channel(name).subscribe(…)',
    begin: (name) => channel(name).subscribe(listener),
    end: (name) => channel(name).unsubscribe(listener),
  },
  {
    name: 'channel(name).bindStore(…)',
    begin: (name) => channel(name).bindStore(store),
    end: (name) => channel(name).unbindStore(store),
  },
];

const traced = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
  (what) => `tracing:handback:acquire:${what}`,
);
const ofAcquires = ['handback:acquire', 'handback:acquireStart', ...traced];

describe('who hears of leases on a channel', () => {
  for (const { name, begin, end } of ways) {
    it(`is known as soon as somebody comes, and when the last has gone: ${name}`, () => {
      for (const of of [...ofAcquires, 'handback:release']) {
        begin(of);
        const heard = { acquires: ofAcquires.includes(of), releases: of === 'handback:release' };
        assert.deepEqual(published, heard, of);
        end(of);
        assert.deepEqual(published, { acquires: false, releases: false }, of);
      }
    });
  }

  it('is known of those who follow a whole operation', () => {
    const handlers = {
      start: listener,
      end: listener,
      asyncStart: listener,
      asyncEnd: listener,
      error: listener,
    };
    const acquires = tracingChannel('handback:acquire');
    acquires.subscribe(handlers);
    assert.equal(published.acquires, true);
    acquires.unsubscribe(handlers);
    assert.equal(published.acquires, false);
  });

  it('is known while one of several is left', () => {
    const other = () => {};
    subscribe('handback:acquire', listener);
    subscribe('handback:acquireStart', other);
    unsubscribe('handback:acquire', listener);
    assert.equal(published.acquires, true);
    unsubscribe('handback:acquireStart', other);
    unsubscribe('handback:acquireStart', other);
    assert.equal(published.acquires, false);
  });

  it('is known to each of two copies of the package, to which the channels are the same', () => {
    const told: string[] = [];
    const one = channel('handback:test-of-two');
    watchAny([one], (heard) => told.push(`first ${heard}`));
    watchAny([one], (heard) => told.push(`second ${heard}`));
    told.length = 0;
    one.subscribe(listener);
    assert.deepEqual(new Set(told), new Set(['first true', 'second true']));
    told.length = 0;
    one.unsubscribe(listener);
    assert.deepEqual(new Set(told), new Set(['first false', 'second false']));
  });

  it('is known of those who were there before', () => {
    const [one, other] = [channel('handback:test-of-none'), channel('handback:test-of-one')];
    other.subscribe(listener);
    const told: boolean[] = [];
    watchAny([one, other], (heard) => told.push(heard));
    other.unsubscribe(listener);
    assert.deepEqual(told, [true, false]);
  });

  it('leaves them what the channel says and does: each message comes once, and who is not there can’t go', () => {
    const one = channel('handback:test-of-messages');
    const told: boolean[] = [];
    for (const _ of ['one copy', 'another copy']) watchAny([one], (heard) => told.push(heard));
    const heard: unknown[] = [];
    const hear = (message: unknown) => heard.push(message);
    one.subscribe(hear);
    one.publish('something');
    assert.deepEqual(heard, ['something']);
    assert.deepEqual([one.unsubscribe(hear), one.unsubscribe(hear)], [true, false]);
    assert.deepEqual([one.hasSubscribers, told.at(-1)], [false, false]);
  });

  it('is nobody’s who can’t hear', () => {
    const one = channel('handback:test-of-the-deaf');
    const told: boolean[] = [];
    watchAny([one], (heard) => told.push(heard));
    assert.throws(() => one.subscribe(undefined as never));
    one.subscribe(listener);
    assert.deepEqual(
      told.filter((heard, n) => heard !== told[n - 1]),
      [false, true],
    );
  });
});
