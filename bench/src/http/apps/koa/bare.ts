import Koa from 'koa';
import { listening, routes } from './listening.js';

/** No middleware but the router. */
export function start() {
  const app = new Koa();
  app.use(
    routes({
      none: (ctx) => {
        ctx.body = { ok: true };
      },
    }),
  );
  return listening(app, () => {});
}
