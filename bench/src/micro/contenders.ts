import type { Contender } from './contender.js';

/** Each is loaded by its cell alone: the code of the others is not even there. */
export const contenders = {
  floor: { name: 'floor', load: async () => (await import('./contenders/floor.js')).makeFloor },
  handback: { name: 'Handback', load: async () => (await import('./contenders/handback.js')).makeHandback },
  mysql2Callback: {
    name: 'mysql2 callback',
    load: async () => (await import('./contenders/mysql2.js')).makeMysql2Callback,
  },
  mysql2Promise: {
    name: 'mysql2/promise',
    load: async () => (await import('./contenders/mysql2.js')).makeMysql2Promise,
  },
  mariadb: {
    name: 'mariadb',
    load: async () => (await import('./contenders/mariadb.js')).makeMariadbDefault,
  },
  mariadbBest: {
    name: 'mariadb (noControlAfterUse)',
    load: async () => (await import('./contenders/mariadb.js')).makeMariadbBest,
  },
  tarn: { name: 'tarn', load: async () => (await import('./contenders/generic.js')).makeTarn },
  genericPool: {
    name: 'generic-pool',
    load: async () => (await import('./contenders/generic.js')).makeGenericPool,
  },
  sequelizePool: {
    name: 'sequelize-pool',
    load: async () => (await import('./contenders/generic.js')).makeSequelizePool,
  },
  onceObserved: {
    name: 'Handback, which was listened to',
    load: async () => (await import('./contenders/observed.js')).makeOnceObserved,
  },
  listened: {
    name: 'Handback with listeners',
    load: async () => (await import('./contenders/observed.js')).makeListened,
  },
  subscribed: {
    name: 'Handback with subscribers',
    load: async () => (await import('./contenders/observed.js')).makeSubscribed,
  },
} as const satisfies Record<string, Contender>;

export type ContenderId = keyof typeof contenders;

/** Handback where somebody looks on, or did. */
export const observed = ['onceObserved', 'listened', 'subscribed'] as const satisfies readonly ContenderId[];

const ours: readonly ContenderId[] = ['floor', 'handback', ...observed];

export const peers = (Object.keys(contenders) as ContenderId[]).filter((id) => !ours.includes(id));
