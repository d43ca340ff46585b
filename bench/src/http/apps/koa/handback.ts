import handback from '@handback/koa';
import Koa from 'koa';
import { ONE } from '../../work.js';
import { listening, routes } from './listening.js';

/** Default options, written as the README does. */
export function start(uri: string) {
  const app = new Koa();
  const middleware = handback({ uri });
  app.use(middleware);
  app.use(
    routes({
      none: (ctx) => {
        ctx.body = { ok: true };
      },
      one: async (ctx, id) => {
        const [rows] = await ctx.db.query(ONE, [id]);
        ctx.body = (rows as unknown[])[0];
      },
      three: async (ctx, id) => {
        const [first] = await ctx.db.query(ONE, [id]);
        const [second] = await ctx.db.query(ONE, [id]);
        const [third] = await ctx.db.query(ONE, [id]);
        ctx.body = [first, second, third];
      },
    }),
  );
  return listening(app, () => middleware.close(), { acquired: () => middleware.pool.stats().acquired });
}
