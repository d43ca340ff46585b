import assert from 'node:assert/strict';
import type { Part } from '#bench/part.js';
import { runParts } from '#bench/run-parts.js';
import { figure } from './figures.js';

describe('npm run bench: the parts', () => {
  const part = (name: Part['name'], run: Part['run']): Part => ({
    name,
    title: 'some part',
    run,
  });
  const options = (signal = new AbortController().signal) => ({ rounds: 1, signal, log: () => {} });
  const broken = part('overload', async () => {
    throw new Error('no server\nwith details');
  });

  it('goes on with the others when one breaks, whose rows are then missed with the reason', async () => {
    const good = part('scale', async () => ({ figures: [figure({ row: null })], plots: [] }));
    const [first, second] = await runParts([broken, good], options());
    assert.equal(first?.error, 'no server\nwith details');
    const rows = first?.figures.map(({ row, handback, note }) => ({ row, handback, note }));
    const nothing = { handback: Number.NaN, note: 'no server' };
    assert.deepEqual(rows, [
      { row: 11, ...nothing },
      { row: 12, ...nothing },
    ]);
    assert.equal(second?.error, undefined);
    assert.equal(second?.figures.length, 1);
  });

  it('misses a row that its part left out', async () => {
    const half = part('overload', async () => ({ figures: [figure({ row: 11 })], plots: [] }));
    const [outcome] = await runParts([half], options());
    assert.deepEqual(
      outcome?.figures.map(({ row, handback }) => [row, handback]),
      [
        [11, 1.5],
        [12, Number.NaN],
      ],
    );
  });

  it('leaves out what belongs to other rows than those asked for, measured or not', async () => {
    const both = part('overload', async ({ rows }) => {
      assert.deepEqual(rows, [11]);
      return { figures: [figure({ row: 11 }), figure({ row: 12 }), figure({ row: null })], plots: [] };
    });
    const rowsIn = async (of: Part) => {
      const [outcome] = await runParts([of], { ...options(), rows: [11] });
      return outcome?.figures.map(({ row }) => row);
    };
    assert.deepEqual(await rowsIn(both), [11, null]);
    assert.deepEqual(await rowsIn(broken), [11]);
  });

  it('ends at once when it is interrupted, even if that looks like a failure of the part', async () => {
    const controller = new AbortController();
    const interrupted = part('micro', async () => {
      controller.abort(new Error('interrupted'));
      throw new Error('a child was killed');
    });
    const never = part('scale', () => assert.fail('it went on'));
    await assert.rejects(runParts([interrupted, never], options(controller.signal)), {
      message: 'interrupted',
    });
  });
});
