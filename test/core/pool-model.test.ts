import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Simulation } from './simulation.js';
import { INITIAL, type Operation, operation, type Setup } from './simulation-operations.js';

const setup: fc.Arbitrary<Setup> = fc.record({
  max: fc.integer({ min: 1, max: 4 }),
  minIdle: fc.nat(2),
  maxIdle: fc.nat(4),
  maxOpening: fc.integer({ min: 1, max: 3 }),
  maxPending: fc.constantFrom(0, 2, 100),
  reuse: fc.constantFrom('lifo', 'fifo'),
  acquireTimeoutMs: fc.constantFrom(0, 100, 2_000),
  drainTimeoutMs: fc.constantFrom(0, 300),
  idleTimeoutMs: fc.constantFrom(0, 1_000),
  maxLifetimeMs: fc.constantFrom(0, 3_000),
});

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

describe('any sequence of events', () => {
  it('keeps the books straight, gives no connection to two, and comes to rest', async function () {
    this.timeout(60_000);
    await fc.assert(fc.asyncProperty(setup, fc.array(operation, { maxLength: 40 }), play), { numRuns: 400 });
  });

  it('long sequences too', async function () {
    this.timeout(60_000);
    const long = fc.array(operation, { maxLength: 300, size: 'max' });
    await fc.assert(fc.asyncProperty(setup, long, play), { numRuns: 30 });
  });

  it('the model itself notices a connection that is handed out dirty', async () => {
    const simulation = new Simulation(INITIAL);
    await simulation.step({ do: 'acquire', n: 0 });
    simulation.test.connection().session.inTransaction = true;
    await simulation.step({ do: 'release', n: 0 });
    await assert.rejects(simulation.step({ do: 'acquire', n: 0 }), /open transaction/);
  });
});
