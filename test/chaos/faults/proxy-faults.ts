import type { Flow } from '../proxy/flow.js';
import type { Random } from '../random.js';
import type { FaultName } from '../types.js';
import { type Fault, fault } from './fault.js';

const flows: Partial<Record<FaultName, (random: Random) => Flow>> = {
  delay: (random) => ({ kind: 'delay', ms: random.int(20, 200) }),
  blackhole: () => ({ kind: 'blackhole', towards: 'both' }),
  'blackhole-to-server': () => ({ kind: 'blackhole', towards: 'server' }),
  'blackhole-to-client': () => ({ kind: 'blackhole', towards: 'client' }),
  cut: (random) => ({ kind: 'cut', probability: random.int(1, 10) / 100 }),
  truncate: (random) => ({ kind: 'truncate', probability: random.int(2, 20) / 100 }),
  'duplicate-reply': (random) => ({ kind: 'duplicate-reply', probability: random.int(5, 20) / 100 }),
  throttle: (random) => ({ kind: 'throttle', bytesPerSecond: random.int(2, 40) * 1_000 }),
  'swallow-commit': (random) => ({
    kind: 'swallow-commit',
    probability: random.int(20, 100) / 100,
    after: random.pick(['reset', 'hang'] as const),
  }),
};

const flowFaults = Object.entries(flows).map(([name, flow]) =>
  fault({
    name: name as FaultName,
    start: ({ proxy }, random) => {
      proxy.flow = flow(random);
    },
    heal: ({ proxy }) => {
      proxy.flow = { kind: 'ok' };
    },
  }),
);

/** At once, and now and then from then on. */
const cuts = (['rst', 'fin'] as const).map((name) =>
  fault({
    name,
    start: ({ proxy }, random, during) => {
      const cut = () => proxy.cutAll(name === 'rst' ? 'RST' : 'FIN');
      cut();
      during.repeat(() => random.int(200, 1_500), cut);
    },
    heal: () => {},
  }),
);

/** A pool that loses no connection asks for none: every now and then it loses some. */
const refuse = fault({
  name: 'refuse',
  start: ({ proxy }, random, during) => {
    const cut = () => proxy.cutSome('RST', 0.5);
    proxy.refuse();
    cut();
    during.repeat(() => random.int(200, 1_500), cut);
  },
  heal: ({ proxy }) => proxy.accept(),
});

export const proxyFaults: readonly Fault[] = [...flowFaults, ...cuts, refuse];
