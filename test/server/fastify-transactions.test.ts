import { strict as assert } from 'node:assert';
import { Readable } from 'node:stream';
import { type Bank, databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import handback, { type ConnectionPool, createPool } from '@handback/fastify';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

interface Test {
  app: FastifyInstance;
  pool: ConnectionPool;
  bank: Bank;
}

/** An application whose routes all run in transactions. */
function whole(work: (test: Test) => Promise<void>): Promise<void> {
  return withBank(async (bank) => {
    const pool = createPool({ uri: databaseUrl(), max: 2 });
    const app = Fastify();
    await app.register(handback, { pool, transaction: true });
    try {
      await work({ app, pool, bank });
      await eventually(() => assert.equal(pool.stats().leased, 0));
    } finally {
      await app.close();
      await pool.close();
    }
  });
}

describe('the transaction of a request on Fastify', () => {
  it('is rolled back when the handler throws, though the error handler answers 200', () =>
    whole(async ({ app, bank }) => {
      app.setErrorHandler((_error, _request, reply) => reply.code(200).send({ sorry: true }));
      app.get('/throws', async ({ db }) => {
        await db.query(bank.add, [-100, 1]);
        throw new Error('oops');
      });
      app.get('/sends', async ({ db }, reply) => {
        await db.query(bank.add, [-100, 1]);
        return reply.send(new Error('oops'));
      });
      for (const url of ['/throws', '/sends']) {
        const { statusCode, body } = await app.inject(url);
        assert.deepEqual([statusCode, body], [200, '{"sorry":true}']);
        assert.equal(await bank.balance(1), 1000);
      }
    }));

  it('keeps the error handlers of routes, of plugins, and their order', () =>
    whole(async ({ app, bank }) => {
      const told: string[] = [];
      app.setErrorHandler((_error, _request, reply) => {
        told.push('app');
        return reply.code(500).send('app');
      });
      await app.register(async (inner) => {
        inner.setErrorHandler((error) => {
          told.push('plugin');
          throw error;
        });
        const handler = async ({
          db,
        }: {
          db: { query(sql: string, values: number[]): Promise<unknown> };
        }) => {
          await db.query(bank.add, [-100, 1]);
          throw new Error('oops');
        };
        inner.get('/inherited', handler);
        inner.get('/own', {
          handler,
          errorHandler(error) {
            told.push('route');
            throw error;
          },
        });
      });
      assert.equal((await app.inject('/inherited')).body, 'app');
      assert.deepEqual(told.splice(0), ['plugin', 'app']);
      assert.equal((await app.inject('/own')).body, 'app');
      assert.deepEqual(told, ['route', 'plugin', 'app']);
      assert.equal(await bank.balance(1), 1000);
    }));

  it('is rolled back when a hook, or the serializer, fails behind the handler', () =>
    whole(async ({ app, bank }) => {
      const handler = async ({ db }: { db: { query(sql: string, values: number[]): Promise<unknown> } }) => {
        await db.query(bank.add, [-100, 1]);
        return { n: 1n };
      };
      const fails = async () => {
        throw new Error('oops');
      };
      app.get('/preSerialization', { preSerialization: fails, handler });
      app.get('/serializer', handler);
      app.get('/onSend', {
        onSend: fails,
        handler: async (request) => {
          await handler(request);
          return 'text';
        },
      });
      for (const url of ['/preSerialization', '/serializer', '/onSend']) {
        assert.equal((await app.inject(url)).statusCode, 500, url);
        assert.equal(await bank.balance(1), 1000, url);
      }
    }));

  it('covers the hooks before the handler, and is committed behind other onSend hooks', () =>
    whole(async ({ app, bank }) => {
      app.addHook('onSend', async (request) => {
        await request.db.query(bank.add, [-1, 1]);
      });
      app.get('/', {
        preHandler: async ({ db }) => void (await db.query(bank.add, [-10, 1])),
        onSend: async ({ db }) => void (await db.query(bank.add, [-100, 1])),
        handler: async () => 'fine',
      });
      assert.equal((await app.inject('/')).statusCode, 200);
      assert.equal(await bank.balance(1), 889);
    }));

  it('holds for HEAD, for routes of plugins, and for the not-found handler', () =>
    whole(async ({ app, bank }) => {
      await app.register(
        async (inner) => {
          inner.get('/', async ({ db }) => {
            await db.query(bank.add, [-100, 1]);
            return 'fine';
          });
        },
        { prefix: '/inner' },
      );
      app.setNotFoundHandler(async ({ db }, reply) => {
        await db.query(bank.add, [-7, 2]);
        return reply.code(404).send('nothing here');
      });
      assert.equal((await app.inject({ method: 'HEAD', url: '/inner' })).statusCode, 200);
      assert.equal(await bank.balance(1), 900);
      assert.equal((await app.inject('/elsewhere')).statusCode, 404);
      assert.equal(await bank.balance(2), 1000);
    }));

  const streams: Record<string, () => unknown> = {
    'a Node stream': () => Readable.from(['all ', 'of it']),
    'a web stream': () => Readable.toWeb(Readable.from([Buffer.from('all '), Buffer.from('of it')])),
    'a Response': () => new Response('all of it', { status: 201 }),
  };
  for (const [name, body] of Object.entries(streams)) {
    it(`is committed with ${name} as its body`, () =>
      whole(async ({ app, bank }) => {
        app.get('/', async ({ db }) => {
          await db.query(bank.add, [-100, 1]);
          return body();
        });
        const answer = await app.inject('/');
        assert.equal(answer.body, 'all of it');
        assert.equal(await bank.balance(1), 900);
      }));
  }

  it('is rolled back when the body of its answer fails', () =>
    whole(async ({ app, pool, bank }) => {
      app.get('/', { config: { handback: { drainTimeoutMs: 100 } } }, async ({ db }, reply) => {
        await db.query(bank.add, [-100, 1]);
        const rows = async function* () {
          yield 'a piece';
          throw new Error('oops');
        };
        return reply.type('text/plain').send(Readable.from(rows()));
      });
      await app.inject('/').catch(() => {});
      await eventually(() => assert.equal(pool.stats().leased, 0));
      assert.equal(await bank.balance(1), 1000);
    }));

  const twice: Record<string, (reply: FastifyReply) => unknown> = {
    'sends and returns nothing': (reply) => void reply.send('fine'),
    'sends and returns something else': (reply) => {
      reply.send('fine');
      return 'something else';
    },
    'sends two times': (reply) => reply.send('fine').send('something else'),
    'sends and throws': (reply) => {
      reply.send('fine');
      throw new Error('oops');
    },
  };
  for (const [name, answer] of Object.entries(twice)) {
    it(`an async handler that ${name}: the first answer stands, as without a transaction`, () =>
      whole(async ({ app, bank }) => {
        app.get('/', async ({ db }, reply) => {
          await db.query(bank.add, [-100, 1]);
          return answer(reply);
        });
        const { statusCode, body } = await app.inject('/');
        assert.deepEqual([statusCode, body], [200, 'fine']);
        assert.equal(await bank.balance(1), 900);
      }));
  }

  it('is rolled back when the answer can not be written: a wrong header, a wrong body', () =>
    whole(async ({ app, bank }) => {
      app.get('/header', async ({ db }, reply) => {
        await db.query(bank.add, [-100, 1]);
        return reply.header('content-disposition', 'attachment; filename=\u65e5').send('fine');
      });
      app.get('/body', async ({ db }, reply) => {
        await db.query(bank.add, [-100, 1]);
        return reply.type('text/plain').send(5);
      });
      for (const url of ['/header', '/body']) {
        assert.equal((await app.inject(url)).statusCode, 500, url);
        assert.equal(await bank.balance(1), 1000, url);
      }
    }));

  it('lets a handler, or a hook before it, answer on the raw response without hijack()', () =>
    whole(async ({ app, bank }) => {
      let ran = false;
      const work = ({ db }: FastifyRequest) => db.query(bank.add, [-100, 1]);
      app.get('/end', async (request, reply) => {
        await work(request);
        reply.raw.end('by hand');
      });
      app.get('/pieces', async (request, reply) => {
        await work(request);
        reply.raw.write('by ');
        setTimeout(() => reply.raw.end('hand'), 5);
      });
      const preHandler = async (request: FastifyRequest, reply: FastifyReply) => {
        await work(request);
        reply.raw.end('by hand');
      };
      app.get('/hook', { preHandler }, async () => {
        ran = true;
        return 'not for you';
      });
      for (const [n, url] of ['/end', '/pieces', '/hook'].entries()) {
        assert.equal((await app.inject(url)).body, 'by hand', url);
        assert.equal(await bank.balance(1), 900 - n * 100, url);
      }
      assert.equal(ran, false, 'the handler ran behind a hook that had answered');
    }));

  it('that can not be committed takes back the cookies of its answer, and no others', () =>
    whole(async ({ app, bank }) => {
      app.addHook('onRequest', async (_request, reply) => {
        reply.header('set-cookie', ['before=1', 'earlier=1']);
      });
      const lose = async ({ db }: FastifyRequest, reply: FastifyReply) => {
        await db.query(bank.add, [-100, 1]);
        reply.header('set-cookie', 'session=secret');
        await db.query('ROLLBACK');
      };
      app.get('/sent', async (request, reply) => {
        await lose(request, reply);
        return 'fine';
      });
      app.get('/raw', async (request, reply) => {
        await lose(request, reply);
        reply.raw.end('fine');
      });
      for (const url of ['/sent', '/raw']) {
        const { statusCode, headers } = await app.inject(url);
        assert.equal(statusCode, 500);
        assert.deepEqual(headers['set-cookie'], ['before=1', 'earlier=1'], url);
      }
    }));

  it('refuses options that contradict one another where the route is made', () =>
    whole(async ({ app }) => {
      const wrong = [
        { transaction: false, readOnly: true },
        { transaction: { readOnly: false }, readOnly: true },
        { transaction: { isolation: 'very high' } },
        { transaction: { readonly: true } },
        { transaction: 'yes' },
      ];
      for (const options of wrong) {
        assert.throws(
          () => app.get('/x', { config: { handback: options as never } }, () => 'x'),
          { code: 'INVALID_OPTION' },
          JSON.stringify(options),
        );
      }
    }));
});
