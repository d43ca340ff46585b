import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Entry } from '#core/entry.js';
import { IdleList } from '#core/idle-list.js';
import { type Linked, LinkedList } from '#core/linked-list.js';
import { Slots } from '#core/slots.js';
import { LEGAL_MOVES, type State } from '#core/states.js';

const STATES = Object.keys(LEGAL_MOVES) as State[];

/** The legal moves as the design states them. */
const LEGAL: Readonly<Record<State, string>> = {
  opening: 'idle leased closing',
  idle: 'validating leased closing',
  validating: 'leased idle closing',
  leased: 'idle resetting draining closing',
  draining: 'resetting idle closing',
  resetting: 'idle leased closing',
  closing: 'ghost closed',
  ghost: 'closed',
  closed: '',
};

/** An entry that has got to `state` by legal moves. */
function entryIn(slots: Slots, state: State): Entry {
  const entry = new Entry(1, 0);
  slots.add(entry);
  const ways: Partial<Record<State, State[]>> = {
    idle: ['idle'],
    validating: ['idle', 'validating'],
    leased: ['leased'],
    draining: ['leased', 'draining'],
    resetting: ['leased', 'resetting'],
    closing: ['closing'],
    ghost: ['closing', 'ghost'],
    closed: ['closing', 'closed'],
  };
  for (const step of ways[state] ?? []) slots.move(entry, step);
  return entry;
}

describe('slots', () => {
  for (const from of STATES) {
    for (const to of STATES) {
      const legal = LEGAL[from].split(' ').includes(to);
      it(`${from} to ${to} is ${legal ? 'legal' : 'refused, with both names'}`, () => {
        const slots = new Slots();
        const entry = entryIn(slots, from);
        const before = JSON.stringify(slots.counts);
        if (legal) {
          slots.move(entry, to);
          assert.equal(entry.state, to);
        } else {
          assert.throws(() => slots.move(entry, to), new RegExp(`${from} to ${to}`));
          assert.deepEqual([entry.state, JSON.stringify(slots.counts)], [from, before]);
        }
      });
    }
  }

  it('counts, the list of idle entries and the totals always agree', () => {
    const walk = fc.array(fc.tuple(fc.nat(4), fc.nat(9)), { maxLength: 80 });
    fc.assert(
      fc.property(walk, (steps) => {
        const slots = new Slots();
        const entries = Array.from({ length: 5 }, (_, id) => new Entry(id, 0));
        for (const entry of entries) slots.add(entry);
        for (const [which, choice] of steps) {
          const entry = entries[which] as Entry;
          const moves = LEGAL_MOVES[entry.state];
          const to = moves[choice % Math.max(1, moves.length)];
          if (to) slots.move(entry, to);
          const { closed, ...alive } = slots.counts;
          assert.equal(closed, 0);
          assert.equal(
            slots.opened - slots.closed,
            Object.values(alive).reduce((sum, count) => sum + count, 0),
          );
          assert.equal(slots.size, slots.opened - slots.closed);
          assert.deepEqual(new Set(slots.idle), new Set(entries.filter(({ state }) => state === 'idle')));
          assert.equal(slots.idle.size, slots.counts.idle);
        }
      }),
    );
  });
});

interface Item extends Linked<Item> {
  readonly id: number;
}

describe('linked list', () => {
  it('is what an array would be, removal from the middle and while it is walked included', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (each) => {
        const list = new LinkedList<Item>();
        const array: Item[] = [];
        for (const [push, n] of each) {
          if (push) {
            const item: Item = { id: n, previous: null, next: null };
            list.push(item);
            array.push(item);
          } else if (array.length > 0) {
            const [removed] = array.splice(n % array.length, 1);
            list.remove(removed as Item);
          }
          assert.deepEqual([...list], array);
          assert.deepEqual(
            [list.first, list.last, list.size],
            [array[0] ?? null, array.at(-1) ?? null, array.length],
          );
        }
        for (const item of list) list.remove(item);
        assert.equal(list.size, 0);
      }),
    );
  });
});

describe('list of idle entries', () => {
  const idle = (id: number) => Object.assign(new Entry(id, 0), { state: 'idle' as const });
  const ids = (entries: Iterable<Entry>) => [...entries].map(({ id }) => id);

  it('is what an array would be, removal from the middle included, also when it has more than it began with', () => {
    const act = fc.constantFrom('push', 'push', 'push', 'unshift', 'first', 'last', 'any');
    const steps = fc.array(fc.tuple(act, fc.nat(40)), { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(steps, (each) => {
        const list = new IdleList();
        const array: Entry[] = [];
        for (const [step, [what, n]] of each.entries()) {
          if (what === 'push' || what === 'unshift') {
            const entry = idle(step);
            list[what](entry);
            array[what](entry);
          } else if (array.length > 0) {
            const at = { first: 0, last: array.length - 1, any: n % array.length }[what];
            list.remove(array.splice(at, 1)[0] as Entry);
          }
          assert.deepEqual(ids(list), ids(array));
          assert.deepEqual(
            [list.first?.id, list.last?.id, list.size],
            [array[0]?.id, array.at(-1)?.id, array.length],
          );
        }
        for (let gone = array.shift(); gone; gone = array.shift()) {
          list.remove(gone);
          assert.deepEqual([list.first?.id, list.last?.id], [array[0]?.id, array.at(-1)?.id]);
        }
      }),
    );
  });

  it('leaves out, while it is walked, what has gone meanwhile', () => {
    const list = new IdleList();
    const entries = [1, 2, 3].map(idle);
    for (const entry of entries) list.push(entry);
    const visited: number[] = [];
    for (const entry of list) {
      visited.push(entry.id);
      for (const gone of entries.slice(0, 2)) {
        if (gone.state !== 'idle') continue;
        list.remove(gone);
        Object.assign(gone, { state: 'leased' });
      }
    }
    assert.deepEqual(visited, [1, 3]);
  });
});
