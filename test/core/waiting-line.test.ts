import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Moment } from '#core/moment.js';
import { type Due, WaitingLine } from '#core/waiting-line.js';

const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const UNQUEUED_MS = 40;

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('push'), timeoutMs: fc.constantFrom(0, 50, 50, 50, 90) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom('shift', 'first', 'last', 'any'), which: fc.nat(200) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('turn') }) },
);
type Step = { act: string; timeoutMs?: number; which?: number };

/** A line, and what it must be: an array. */
class Played {
  readonly line = new WaitingLine<Due>(UNQUEUED_MS);
  readonly expected: Due[] = [];
  #moment = new Moment();
  #now = 1_000;

  play({ act, timeoutMs = 0, which = 0 }: Step): void {
    if (act === 'push') this.#push(timeoutMs);
    else if (act === 'turn') this.#endTurn();
    else if (act === 'shift') this.#shift();
    else this.#remove(act === 'first' ? 0 : act === 'last' ? this.expected.length - 1 : which);
    this.#check();
  }

  #push(timeoutMs: number): void {
    const waiter: Due = { came: this.#moment, timeoutMs, spot: 0 };
    this.expected.push(waiter);
    this.line.push(waiter, this.line.limitOf(waiter));
  }

  #endTurn(): void {
    this.#moment.at = this.#now++;
    this.#moment = new Moment();
  }

  #remove(which: number): void {
    const [waiter] = this.expected.splice(which % Math.max(1, this.expected.length), 1);
    if (waiter) this.line.remove(waiter);
  }

  #shift(): void {
    const first = this.expected.shift();
    if (first) assert.equal(this.line.shift(), first);
  }

  #dueAt({ came, timeoutMs }: Due): number {
    return (came?.at ?? 0) + (timeoutMs === 0 ? UNQUEUED_MS : timeoutMs);
  }

  #check(): void {
    const { line, expected } = this;
    assert.deepEqual(
      [line.size, line.first, line.last],
      [expected.length, expected[0] ?? null, expected.at(-1) ?? null],
    );
    assert.deepEqual([...line], expected);
    assert.equal(
      line.earliest,
      Math.min(Number.POSITIVE_INFINITY, ...expected.map((each) => this.#dueAt(each))),
    );
    for (const now of [this.#now + 39, this.#now + 49, this.#now + 89])
      assert.deepEqual(
        line.expired(now),
        expected.filter((each) => this.#dueAt(each) <= now),
      );
  }
}

describe(`a line of those who wait (HANDBACK_SEED=${seed})`, () => {
  it('keeps the order of arrival and knows who is due, whoever leaves from wherever', () => {
    const property = fc.property(fc.array(step, { minLength: 40, maxLength: 150, size: 'max' }), (steps) => {
      const played = new Played();
      for (const each of steps) played.play(each);
    });
    fc.assert(property, { numRuns: 200, seed });
  });

  it('keeps no room for those who have left, however long the first one stays', () => {
    const line = new WaitingLine<Due>(UNQUEUED_MS);
    const came = new Moment();
    const make = () => ({ came, timeoutMs: Number.POSITIVE_INFINITY, spot: 0 });
    line.push(make(), Number.POSITIVE_INFINITY);
    const spots = new Set<number>();
    let before = make();
    line.push(before, Number.POSITIVE_INFINITY);
    for (let n = 0; n < 1_000; n++) {
      const last = make();
      line.push(last, Number.POSITIVE_INFINITY);
      line.remove(before);
      spots.add(last.spot);
      before = last;
    }
    assert.deepEqual([...line], [line.first, before]);
    assert.ok(spots.size <= 16);
  });
});
