import assert from 'node:assert/strict';
import { Endings } from '#core/endings.js';
import { FakeClock } from './fake-clock.js';

describe('the ends of requests', () => {
  function stage() {
    const clock = new FakeClock();
    const decided: string[] = [];
    const endings = new Endings(clock);
    const ending = (name: string, then = () => {}) => ({
      decide: () => {
        decided.push(name);
        then();
      },
    });
    return { clock, decided, endings, ending };
  }

  it('those seen in one turn are decided in the next, in their order', async () => {
    const { clock, decided, endings, ending } = stage();
    endings.add(ending('a'));
    endings.add(ending('b'));
    await clock.microtasks();
    assert.deepEqual(decided, []);
    await clock.settle();
    assert.deepEqual(decided, ['a', 'b']);
    endings.add(ending('c'));
    await clock.settle();
    assert.deepEqual(decided, ['a', 'b', 'c']);
  });

  it('what is seen while others are decided has a turn of its own', () => {
    const { decided, ending } = stage();
    const turns: (() => void)[] = [];
    const endings = new Endings(Object.assign(new FakeClock(), { soon: (fn: () => void) => turns.push(fn) }));
    endings.add(ending('a', () => endings.add(ending('c'))));
    endings.add(ending('b'));
    turns.shift()?.();
    assert.deepEqual([decided, turns.length], [['a', 'b'], 1]);
    turns.shift()?.();
    assert.deepEqual([decided, turns.length], [['a', 'b', 'c'], 0]);
  });

  it('one that throws keeps nobody else from its end', async () => {
    const { decided, ending } = stage();
    const turns: (() => void)[] = [];
    const endings = new Endings(Object.assign(new FakeClock(), { soon: (fn: () => void) => turns.push(fn) }));
    endings.add(
      ending('a', () => {
        throw new Error('of a listener');
      }),
    );
    endings.add(ending('b'));
    endings.add(ending('c'));
    assert.throws(() => turns.shift()?.(), /of a listener/);
    turns.shift()?.();
    assert.deepEqual([decided, turns.length], [['a', 'b', 'c'], 0]);
  });
});
