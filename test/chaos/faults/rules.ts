import type { FaultName } from '../types.js';

/** Where a fault is at work. Two in the same place would undo each other. */
type Place =
  /** What the proxy does to bytes. */
  | 'flow'
  /** Who gets through the proxy at all. */
  | 'door'
  /** The server's process: nothing else can be done to the server then, nor be healed. */
  | 'process'
  | 'statements'
  | 'limits'
  | 'variables'
  | 'account'
  | 'clients';

interface Rule {
  place: Place;
  /** How long it may last, from .. to. */
  durationMs: readonly [number, number];
}

const flow = (durationMs: Rule['durationMs']): Rule => ({ place: 'flow', durationMs });
const clients: Rule = { place: 'clients', durationMs: [1_000, 6_000] };

export const rules: Readonly<Record<FaultName, Rule>> = {
  delay: flow([1_000, 6_000]),
  blackhole: flow([500, 6_000]),
  'blackhole-to-server': flow([500, 6_000]),
  'blackhole-to-client': flow([500, 6_000]),
  refuse: { place: 'door', durationMs: [500, 5_000] },
  rst: { place: 'door', durationMs: [300, 3_000] },
  fin: { place: 'door', durationMs: [300, 3_000] },
  cut: flow([1_000, 5_000]),
  truncate: flow([500, 4_000]),
  'duplicate-reply': flow([500, 4_000]),
  throttle: flow([1_000, 6_000]),
  'swallow-commit': flow([500, 4_000]),
  kill: { place: 'statements', durationMs: [500, 5_000] },
  'kill-query': { place: 'statements', durationMs: [500, 5_000] },
  freeze: { place: 'process', durationMs: [300, 8_000] },
  restart: { place: 'process', durationMs: [200, 5_000] },
  'max-connections': { place: 'limits', durationMs: [1_000, 6_000] },
  'max-user-connections': { place: 'account', durationMs: [1_000, 6_000] },
  'read-only': { place: 'variables', durationMs: [500, 4_000] },
  'wait-timeout': { place: 'variables', durationMs: [2_000, 6_000] },
  account: { place: 'account', durationMs: [500, 4_000] },
  password: { place: 'account', durationMs: [1_000, 6_000] },
  'client-aborts': clients,
  pipelines: clients,
  'half-closes': clients,
  'slow-readers': clients,
};

/** Faults that need no help of the server. */
const outside: readonly Place[] = ['flow', 'door', 'clients'];

/** May they be at work at the same time? */
export function areCompatible(one: FaultName, other: FaultName): boolean {
  const places = [rules[one].place, rules[other].place];
  const [a, b] = places as [Place, Place];
  if (a === b) return false;
  return !places.includes('process') || places.some((place) => outside.includes(place));
}
