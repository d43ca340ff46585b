import { type Fault, fault } from './fault.js';
import type { Misbehaviour } from './stage.js';

const kinds: readonly Misbehaviour[] = ['client-aborts', 'pipelines', 'half-closes', 'slow-readers'];

export const clientFaults: readonly Fault[] = kinds.map((kind) =>
  fault({
    name: kind,
    start: ({ clients }) => clients.misbehave(kind),
    heal: ({ clients }) => clients.behave(),
  }),
);
