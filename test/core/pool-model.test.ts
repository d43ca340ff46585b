import assert from 'node:assert/strict';
import fc from 'fast-check';
import { times } from '../support/times.js';
import { Simulation } from './simulation.js';
import { INITIAL, type Operation, operation, type Setup, setup } from './simulation-operations.js';

/** Shown in the titles, so that any run can be had again. */
const seed = Number(process.env.HANDBACK_SEED ?? Math.floor(Math.random() * 2 ** 31));

async function play(options: Setup, operations: readonly Operation[]): Promise<void> {
  const simulation = new Simulation(options);
  for (const each of operations) {
    await simulation.step(each);
    simulation.check();
  }
  await simulation.wind();
  simulation.checkWound();
  await simulation.close();
}

describe(`any sequence of events (HANDBACK_SEED=${seed})`, () => {
  it('keeps the books straight, gives no connection to two, and comes to rest', async function () {
    const numRuns = times(400);
    this.timeout(60_000 * Math.max(1, numRuns / 400));
    await fc.assert(fc.asyncProperty(setup, fc.array(operation, { maxLength: 40 }), play), {
      numRuns,
      seed,
    });
  });

  it('long sequences too', async function () {
    const numRuns = times(30);
    this.timeout(60_000 * Math.max(1, numRuns / 30));
    const long = fc.array(operation, { maxLength: 300, size: 'max' });
    await fc.assert(fc.asyncProperty(setup, long, play), { numRuns, seed });
  });

  it('the model itself notices a connection that is handed out dirty', async () => {
    const simulation = new Simulation(INITIAL);
    await simulation.step({ do: 'acquire', n: 0 });
    simulation.test.connection().session.inTransaction = true;
    await simulation.step({ do: 'release', n: 0 });
    await assert.rejects(simulation.step({ do: 'acquire', n: 0 }), /open transaction/);
  });
});
