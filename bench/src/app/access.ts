import handback from '@handback/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Lender, type Lent, openLender } from '../lend/lender.js';
import type { AppTask, Release } from './task.js';

/** How the routes come by their connections. */
export interface Access {
  /** One statement on the connection of this request. */
  query(request: FastifyRequest, reply: FastifyReply, sql: string): Promise<unknown>;
  /** Outside of requests. */
  readonly lender: Lender;
}

/** The connection of this request, and the function that gives it back. */
type Take = (request: FastifyRequest, reply: FastifyReply) => Promise<Lent>;

export async function addAccess(app: FastifyInstance, task: AppTask): Promise<Access> {
  if (task.release === 'scope') return addHandback(app, task);
  const lender = openLender(task.lender);
  if (task.release === 'finally') return { lender, query: queryAndRelease(lender) };
  const take = takeUntil(task.release, app, lender);
  return {
    lender,
    async query(request, reply, sql) {
      const lent = await take(request, reply);
      return lent.query(sql);
    },
  };
}

async function addHandback(app: FastifyInstance, { lender }: AppTask): Promise<Access> {
  const { url, max, options } = lender;
  await app.register(handback, { uri: url, max, ...options });
  const pool = app.db;
  return {
    lender: { acquire: () => pool.acquire(), close: () => app.close() },
    query: (request, _reply, sql) => request.db.query(sql),
  };
}

function queryAndRelease(lender: Lender): Access['query'] {
  return async (_request, _reply, sql) => {
    const lent = await lender.acquire();
    try {
      return await lent.query(sql);
    } finally {
      await lent.release();
    }
  };
}

function takeUntil(
  release: Exclude<Release, 'scope' | 'finally'>,
  app: FastifyInstance,
  lender: Lender,
): Take {
  const taken = new WeakMap<FastifyRequest, Lent>();
  if (release === 'onResponse') {
    app.addHook('onResponse', async (request) => {
      await taken.get(request)?.release();
    });
  }
  return async (request, reply) => {
    const lent = await lender.acquire();
    if (release === 'onResponse') taken.set(request, lent);
    else reply.raw.once(release, () => lent.release());
    return lent;
  };
}
