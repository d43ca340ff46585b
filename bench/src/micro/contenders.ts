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
} as const satisfies Record<string, Contender>;

export type ContenderId = keyof typeof contenders;

export const peers = (Object.keys(contenders) as ContenderId[]).filter(
  (id) => id !== 'floor' && id !== 'handback',
);
