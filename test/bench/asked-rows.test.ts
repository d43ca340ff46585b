import assert from 'node:assert/strict';
import { type Measurement, measureWanted } from '#bench/measurements.js';
import { microFigures } from '#bench/micro/figures.js';
import { Rounds } from '#bench/micro/rounds.js';
import { stepsFor } from '#bench/micro/steps.js';
import { rowsOf } from '#bench/rows.js';
import { figure } from './figures.js';

/** Whatever a cell can be asked for. */
const anything = { ns: 1, ns1000: 1, ns10000: 1, ns100000: 1, bytes: 1, timers: 0 };

function measuredFor(rows: readonly number[] | undefined): Rounds {
  const { signal } = new AbortController();
  const results = new Rounds({ connection: {} as never, rounds: 1, signal, progress: () => {} });
  for (const { cells } of stepsFor(rows)) for (const cell of cells) results.record(cell, anything);
  return results;
}

describe('npm run bench -- --row N', () => {
  for (const row of rowsOf('micro')) {
    it(`measures all that row ${row} of micro needs, and gives no figure of another`, () => {
      const figures = microFigures(measuredFor([row]), [row]);
      assert.ok(figures.length > 0);
      for (const { id, row: its, handback, peers } of figures) {
        assert.ok(its === row || its === null, id);
        for (const value of [handback, ...Object.values(peers)]) assert.ok(!Number.isNaN(value), id);
      }
    });
  }

  it('leaves out the peers where the row has none, and all that others need', () => {
    const cells = stepsFor([2]).flatMap((step) => step.cells);
    assert.deepEqual(
      cells.map(({ contender, scenario }) => `${contender} ${scenario}`),
      ['floor idle', 'floor sync', 'handback sync', 'floor syncBytes', 'handback syncBytes'],
    );
  });

  it('measures every cell where no row is named', () => {
    const count = (rows?: readonly number[]) => Object.keys(measuredFor(rows).raw).length;
    assert.equal(count(), count(rowsOf('micro')));
    assert.equal(
      microFigures(measuredFor(undefined)).filter(({ handback }) => Number.isNaN(handback)).length,
      0,
    );
  });

  it('of other parts measures what is for that row, and information only where all is wanted', async () => {
    const measured: string[] = [];
    const measurement = (name: string, ...rows: number[]): Measurement<{ rows?: readonly number[] }> => ({
      rows,
      measure: () => {
        measured.push(name);
        return [figure({ row: rows[0] ?? null })];
      },
    });
    const all = [measurement('opens', 9), measurement('cleaning', 10), measurement('information')];
    assert.equal((await measureWanted(all, { rows: [10] })).length, 1);
    assert.deepEqual(measured.splice(0), ['cleaning']);
    await measureWanted(all, {});
    assert.deepEqual(measured, ['opens', 'cleaning', 'information']);
  });
});
