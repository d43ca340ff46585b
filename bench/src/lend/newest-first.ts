import { createConnection } from 'mysql2';
import type { Lender, LenderTask, Lent } from './lender.js';

interface Waiter {
  since: number;
  grant(lent: Lent): void;
  refuse(error: Error): void;
}

/** On top of its wait, a request takes its statement's time, and some on its way. */
const DEADLINE_MS = 150;
const LOOK_EVERY_MS = 10;

/**
 * The floor: an array of connections, and a stack of waiters of which the newest is served first and the oldest are
 * refused when they have waited for too long. Nothing else: no timeouts, no cleaning, no care for what is lost.
 */
export function openNewestFirst({ url, max }: LenderTask): Lender {
  const idle: Lent[] = [];
  const waiters: Waiter[] = [];
  const connections = Array.from({ length: max }, () => createConnection({ uri: url }));
  for (const connection of connections) {
    const lent: Lent = {
      query: (sql) =>
        new Promise((resolve, reject) => {
          connection.query(sql, (error, rows) => (error ? reject(error) : resolve(rows)));
        }),
      release() {
        const newest = waiters.pop();
        if (newest) newest.grant(lent);
        else idle.push(lent);
      },
    };
    idle.push(lent);
  }
  const look = setInterval(() => refuseLate(waiters), LOOK_EVERY_MS);
  return {
    acquire() {
      const lent = idle.pop();
      if (lent) return Promise.resolve(lent);
      return new Promise((grant, refuse) => {
        waiters.push({ since: performance.now(), grant, refuse });
      });
    },
    async close() {
      clearInterval(look);
      for (const connection of connections) connection.destroy();
    },
  };
}

function refuseLate(waiters: Waiter[]): void {
  const before = performance.now() - DEADLINE_MS;
  let late = 0;
  while (waiters[late] && (waiters[late] as Waiter).since < before) late++;
  const error = Object.assign(new Error('waited for too long'), { statusCode: 503 });
  for (const { refuse } of waiters.splice(0, late)) refuse(error);
}
