import { withBenchServer } from '../measure/server.js';
import type { Part } from '../part.js';
import { type ContenderId, peers } from './contenders.js';
import { microFigures } from './figures.js';
import { burstPlot } from './plots.js';
import { type CellName, Rounds } from './rounds.js';
import type { ScenarioId } from './scenarios.js';

const everybody: readonly ContenderId[] = ['floor', 'handback', ...peers];
const judged: readonly ContenderId[] = ['floor', 'handback'];

function cells(who: readonly ContenderId[], ...what: ScenarioId[]): CellName[] {
  return who.flatMap((contender) => what.map((scenario) => ({ contender, scenario })));
}

export const microPart: Part = {
  name: 'micro',
  title: 'What acquire and release cost, alone and under contention (rows 1 to 5).',
  async run({ rounds, signal, progress }) {
    // Row 5 has a thousand connections in use.
    const args = ['--max-connections=1200'];
    return withBenchServer({ args, rows: 10, signal }, async ({ connection }) => {
      const results = new Rounds({ connection, signal, rounds, progress });
      await results.run('idle', [...cells(judged, 'idle', 'sync'), ...cells(peers, 'idle')]);
      const bytes = [...cells(judged, 'idleBytes', 'syncBytes'), ...cells(peers, 'idleBytes')];
      await results.run('allocation', bytes, { rounds: 3, peerRounds: 1 });
      await results.run('100 callers', cells(everybody, 'contended100'));
      await results.run('10 000 callers', cells(everybody, 'contended10000'), { peerRounds: 2 });
      await results.run('burst', cells(everybody, 'burst'), { peerRounds: 1 });
      await results.run('what a waiter takes', cells(everybody, 'waiters'), { rounds: 1 });
      await results.run('calling off', cells([...judged, 'tarn'], 'cancel'), { rounds: 3, peerRounds: 1 });
      await results.run('in use', cells(everybody, 'inUse10', 'inUse1000'));
      return { figures: microFigures(results), plots: [burstPlot(results)] };
    });
  },
};
