import handback, { type PoolOptions } from '@handback/koa';
import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import Koa from 'koa';
import * as demo from '../shared/demo.js';

/** The demo on Koa. It listens nowhere yet. */
export function buildApp(options: PoolOptions, log = demo.report) {
  const app = new Koa();
  const db = handback(options);
  const router = new Router();
  app.on('error', log);
  app.use((ctx, next) =>
    next().catch((error) => {
      const { status, headers, body } = demo.answerTo(error, log);
      ctx.set(headers);
      Object.assign(ctx, { status, body });
    }),
  );
  app.use(db);
  app.use(bodyParser({ enableTypes: ['json'] }));
  app.use(router.routes());

  router.get('/', (ctx) => {
    ctx.body = demo.page('Koa', db.pool.stats());
  });
  router.get('/users', async (ctx) => {
    ctx.body = await demo.listUsers(ctx.db);
  });
  router.get('/users/:id', async (ctx) => {
    ctx.body = await demo.findUser(ctx.db, ctx.params.id ?? '');
  });
  router.post('/transfers', async (ctx) => {
    ctx.body = await demo.transfer(ctx.db, ctx.request.body);
  });
  router.get('/accounts/total', async (ctx) => {
    ctx.body = await demo.accountsTotal(ctx.db);
  });
  router.get('/slow', async (ctx) => {
    ctx.body = await demo.sleep(ctx.db, ctx.query.ms);
  });
  router.get('/export', async (ctx) => {
    ctx.body = await demo.exportVisits(ctx.db);
    ctx.type = 'application/x-ndjson';
  });
  router.get('/boom', async (ctx) => {
    await ctx.db.query('SELECT 1');
    throw new Error('Boom: thrown after a query; the connection goes back all the same.');
  });
  router.get('/health', handback.off(), (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/stats', (ctx) => {
    ctx.body = demo.statsOf(db.pool);
  });

  return { app, pool: db.pool, close: () => db.close() };
}
