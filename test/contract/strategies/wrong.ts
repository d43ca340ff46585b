import { onMysql2Pool } from './mysql2-pool.js';

// What projects do today. Each is right in the normal case and wrong in some that the suite must know.

export const finishOnly = onMysql2Pool(({ res }, release) => {
  res.once('finish', release);
});

export const closeOnly = onMysql2Pool(({ res }, release) => {
  res.once('close', release);
});

/** Fastify's onResponse, Koa's finally after `await next()`, a patched res.end() on Express. */
export const frameworkHook = onMysql2Pool();

/** The framework's hook, and mysql2's own way of cleaning. */
export const resetOnly = onMysql2Pool(undefined, { resetOnRelease: true });
