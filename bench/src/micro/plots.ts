import type { Plot } from '../report/plot.js';
import { type ContenderId, contenders, peers } from './contenders.js';
import { medianOf, type Rounds } from './rounds.js';

const sizes = [1_000, 10_000, 100_000];

export function burstPlot(results: Rounds): Plot {
  const who: readonly ContenderId[] = ['handback', 'floor', ...peers];
  return {
    file: 'burst',
    title: 'A burst of waiters on a pool of 10',
    x: { label: 'waiters at once', log: true },
    y: { label: 'CPU time per waiter, ns', log: true },
    series: who.map((contender) => ({
      name: contenders[contender].name,
      points: sizes.map((waiters) => {
        const values = results.values({ contender, scenario: 'burst', value: `ns${waiters}` });
        return [waiters, medianOf(values)] as const;
      }),
    })),
  };
}
