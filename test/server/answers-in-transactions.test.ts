import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bank, databaseUrl, withBank } from '@handback/contract/support/database.js';
import { request } from '@handback/contract/support/raw-client.js';
import { type ConnectionPool, createPool } from '@handback/core';
import expressHandback from '@handback/express';
import koaHandback from '@handback/koa';
import express5, { type Request, type Response } from 'express';
import express4 from 'express4';
import Koa, { type Context } from 'koa';

type Start = (pool: ConnectionPool) => RequestListener;

/** Serves one application, whose requests run in transactions. */
function serving(
  start: (bank: Bank) => Start,
  work: (port: number, bank: Bank) => Promise<void>,
): Promise<void> {
  return withBank(async (bank) => {
    const pool = createPool({ uri: databaseUrl(), max: 2 });
    const server = createServer(start(bank)(pool)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await work((server.address() as AddressInfo).port, bank);
    } finally {
      server.closeAllConnections();
      server.close();
      await pool.close();
    }
  });
}

for (const [version, express] of Object.entries({ 4: express4 as unknown as typeof express5, 5: express5 })) {
  const app =
    (route: (req: Request, res: Response, next: (error?: unknown) => void, bank: Bank) => Promise<void>) =>
    (bank: Bank): Start =>
    (pool) => {
      const main = express().set('env', 'test');
      const mounted = express();
      mounted.get('/mounted', (req, res, next) => void route(req, res, next, bank).catch(next));
      main.use(expressHandback({ pool, transaction: true }));
      main.get('/', (req, res, next) => void route(req, res, next, bank).catch(next));
      return main.use(mounted);
    };

  describe(`a request's transaction on Express ${version}`, () => {
    it('next() behind an answer: the answer stands, as without a transaction', () =>
      serving(
        app(async (req, res, next, bank) => {
          await req.db.query(bank.add, [-100, 1]);
          res.json({ ok: true });
          next();
        }),
        async (port, bank) => {
          for (const [n, path] of ['/', '/mounted'].entries()) {
            for (const [m, method] of ['GET', 'HEAD'].entries()) {
              const { status, headers, body } = await request(port, path, { method });
              assert.equal(status, 200, `${method} ${path}`);
              assert.equal(body.toString(), method === 'GET' ? '{"ok":true}' : '');
              assert.equal(headers['content-security-policy'], undefined);
              assert.equal(await bank.balance(1), 1000 - 100 * (2 * n + m + 1));
            }
          }
        },
      ));

    it('no route, or an error of that status behind an answer: rolled back', () =>
      serving(
        app(async (req, res, next, bank) => {
          await req.db.query(bank.add, [-100, 1]);
          if (req.query.error) {
            res.json({ ok: true });
            next(Object.assign(new Error('none such'), { status: 404 }));
          } else next();
        }),
        async (port, bank) => {
          for (const path of ['/', '/mounted', '/?error=1']) {
            assert.equal((await request(port, path)).status, 404, path);
            assert.equal(await bank.balance(1), 1000, path);
          }
        },
      ));
  });
}

describe("a request's transaction on Koa", () => {
  const app =
    (answer: (ctx: Context) => void) =>
    (bank: Bank): Start =>
    (pool) => {
      const koa = new Koa();
      koa.silent = true;
      koa.use(koaHandback({ pool, transaction: true }));
      koa.use(async (ctx) => {
        await ctx.db.query(bank.add, [-100, 1]);
        answer(ctx);
      });
      return koa.callback();
    };

  it('is rolled back when the body can not be written as JSON', () =>
    serving(
      app((ctx) => {
        ctx.body = { n: 1n };
      }),
      async (port, bank) => {
        assert.equal((await request(port, '/')).status, 500);
        assert.equal(await bank.balance(1), 1000);
      },
    ));

  it('lets a handler answer on the raw response without respond = false', () =>
    serving(
      app((ctx) => {
        ctx.res.statusCode = 200;
        ctx.res.end('by hand');
      }),
      async (port, bank) => {
        assert.equal((await request(port, '/')).body.toString(), 'by hand');
        assert.equal(await bank.balance(1), 900);
      },
    ));
});
