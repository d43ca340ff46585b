import type { Cell } from './compare.js';
import type { Framework } from './contender.js';
import type { Route } from './work.js';

/** An entry of a comparison before it is known which route is compared. */
type Contender = Omit<Cell, 'framework' | 'route'>;

/** Six times the work of the others: see its row in the table. */
const OPENS_EACH_TIME = 6;

const handback: Contender = { name: 'handback', contender: 'handback' };
const floor: Contender = { name: 'floor', contender: 'floor' };
const untraced: Contender = {
  name: 'mysql2/promise with trace: false',
  contender: 'mysql2-promise-untraced',
};
const callback: Contender = { name: 'mysql2 callback', contender: 'mysql2-callback' };
const mariadb: Contender = { name: 'mariadb pool', contender: 'mariadb' };
const mariadbUnchecked: Contender = {
  name: 'mariadb pool with noControlAfterUse: true',
  contender: 'mariadb-unchecked',
};
const connectionPerRequest: Contender = {
  name: 'a connection per request',
  contender: 'connection-per-request',
  costs: OPENS_EACH_TIME,
};
const fastifyMysql: Contender = { name: '@fastify/mysql', contender: 'fastify-mysql' };
const fastifyMysqlPromise: Contender = {
  name: '@fastify/mysql with promise: true',
  contender: 'fastify-mysql-promise',
};
const myConnection: Contender = { name: "express-myconnection 'pool'", contender: 'express-myconnection' };
const fluidware: Contender = {
  name: '@fluidware-it/express-mysql2-middleware',
  contender: 'express-mysql2-middleware',
  costs: OPENS_EACH_TIME,
};

const onOne: Record<Framework, Contender[]> = {
  fastify: [
    handback,
    untraced,
    callback,
    fastifyMysql,
    fastifyMysqlPromise,
    mariadb,
    mariadbUnchecked,
    connectionPerRequest,
    floor,
  ],
  express: [handback, callback, myConnection, fluidware, connectionPerRequest],
  koa: [handback],
};

const onThree: Record<Framework, Contender[]> = {
  fastify: [
    handback,
    untraced,
    callback,
    fastifyMysql,
    fastifyMysqlPromise,
    mariadb,
    mariadbUnchecked,
    floor,
  ],
  express: [handback, callback, myConnection, fluidware],
  koa: [handback],
};

const onExecute: Record<Framework, Contender[]> = {
  fastify: [handback, callback, mariadb],
  express: [],
  koa: [],
};

const contenders: Record<Exclude<Route, 'none'>, Record<Framework, Contender[]>> = {
  one: onOne,
  three: onThree,
  execute: onExecute,
};

/** The first is what the others are compared with. */
export function cellsOf(framework: Framework, route: Exclude<Route, 'none'>): Cell[] {
  const base: Contender = { name: 'mysql2/promise', contender: 'mysql2-promise' };
  return [base, ...contenders[route][framework]].map((one) => ({ ...one, framework, route }));
}
