import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { databaseUrl, unique } from '@handback/contract/support/database.js';
import type { ConnectionPool, Scope } from '@handback/core';
import expressHandback from '@handback/express';
import fastifyHandback from '@handback/fastify';
import koaHandback from '@handback/koa';
import { bodyParser } from '@koa/bodyparser';
import express from 'express';
import express4 from 'express4';
import Fastify from 'fastify';
import Koa from 'koa';
import mysql from 'mysql2/promise';
import qs from 'qs';

const table = unique('logins');
const MARKER = 'planted4111111111111111';
const LOGIN = `SELECT name FROM ${table} WHERE name = ? AND password = ?`;
const BY_NAME = {
  sql: `SELECT name FROM ${table} WHERE name = :name AND password = :pass`,
  namedPlaceholders: true,
};

interface Given extends Record<string, never> {
  name: never;
  pass: never;
}

type Login = (db: Scope, pool: ConnectionPool, given: Given) => Promise<unknown>;

/** The ways in which a statement with text values can be sent. */
const WAYS: Readonly<Record<string, Login>> = {
  query: async (db, _pool, { name, pass }) => (await db.query(LOGIN, [name, pass]))[0],
  named: async (db, _pool, given) => (await db.query(BY_NAME, { ...given }))[0],
  options: async (db, _pool, { name, pass }) => (await db.query({ sql: LOGIN, values: [name, pass] }))[0],
  transaction: (db, _pool, { name, pass }) =>
    db.transaction(async (tx) => (await tx.query(LOGIN, [name, pass]))[0]),
  stream: (db, _pool, { name, pass }) => db.stream(LOGIN, [name, pass]).toArray(),
  format: async (db, _pool, { name, pass }) => (await db.query(db.format(LOGIN, [name, pass])))[0],
  pool: async (_db, pool, { name, pass }) => (await pool.query(LOGIN, [name, pass]))[0],
  job: (_db, pool, { name, pass }) => pool.run(async (db) => (await db.query(LOGIN, [name, pass]))[0]),
};
const EXECUTE: Login = async (db, _pool, { name, pass }) => (await db.execute(LOGIN, [name, pass]))[0];

/** Bodies as an attacker writes them: none of it is a single value. */
const BODIES = [
  '{"pass":1}',
  `{"password":"${MARKER}"}`,
  '{"name":1}',
  '{}',
  '[]',
  '[0]',
  `["${MARKER}"]`,
  '["x","y"]',
  '[["x","y"]]',
  '[[1],[2]]',
  '[{"password":1}]',
  '{"__proto__":{"password":1}}',
  '{"__proto__":[1],"constructor":{"prototype":{}}}',
  '{"toString":"x","valueOf":1}',
  '{"toSqlString":"1 OR 1=1"}',
  '{"length":1,"0":"x"}',
  '{"constructor":1,"length":2000000000}',
  '{"type":"Buffer","data":[39,32,79,82,32,49]}',
  '{"$date":"2026-01-01"}',
  '{"value":{"password":1},"sql-escaper.expand":true}',
  '1e999',
  '-1e999',
  `[${'0,'.repeat(5_000)}0]`,
  `${'['.repeat(2_000)}${']'.repeat(2_000)}`,
];
/** Single values, however odd: the escaping has to do, and does. */
const TEXTS = [
  "' OR '1'='1",
  "\\' OR 1=1 -- ",
  '\\',
  '\u0000',
  "x\u0000' OR 1=1",
  '\u02bc OR 1=1',
  '\u00bf\u0027 OR 1=1 -- ',
  '? OR 1=1',
  ':name',
  '" OR ""="',
  '*/ OR 1=1 /*',
  '2026-01-01T00:00:00.000Z',
];
const QUERIES = [
  'pass[]=1&pass[]=2',
  'pass[]=x',
  'pass[password]=1',
  'pass[pass]=1&pass[0]=2',
  'pass[0][0]=1',
  'pass[__proto__][password]=1&pass[x]=1',
  'pass[toSqlString]=1',
  'pass[length]=1&pass[0]=x',
  'pass=1&pass=2',
];

interface Served {
  readonly url: string;
  close(): Promise<void>;
}

type Handler = (db: Scope, pool: ConnectionPool, way: string, given: Given) => Promise<unknown>;

const login: Handler = async (db, pool, way, given) => {
  const rows = (await (WAYS[way] ?? EXECUTE)(db, pool, given)) as unknown[];
  return { rows };
};

/** `name` is not the attacker's; the rest of the body, or of the query, is. */
const givenOf = (source: unknown): Given => ({ name: 'root' as never, pass: (source as Given).pass });

async function served(listener: RequestListener, close: () => Promise<void>): Promise<Served> {
  const server: Server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stopped = () => new Promise((resolve) => server.close(resolve));
  return { url: `http://127.0.0.1:${port}`, close: () => stopped().then(close) };
}

async function onFastify(parse?: (text: string) => Record<string, unknown>): Promise<Served> {
  const app = Fastify(parse ? { routerOptions: { querystringParser: parse } } : {});
  await app.register(fastifyHandback, { uri: databaseUrl(), max: 2 });
  app.post<{ Params: { way: string } }>('/:way', (request) =>
    login(request.db, app.db, request.params.way, givenOf(request.body)),
  );
  app.get<{ Params: { way: string } }>('/:way', (request) =>
    login(request.db, app.db, request.params.way, givenOf(request.query)),
  );
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, close: () => app.close() };
}

function onExpress(make: typeof express, parser: 'simple' | 'extended'): Promise<Served> {
  const app = make();
  const db = expressHandback({ uri: databaseUrl(), max: 2 });
  app.set('query parser', parser);
  app.set('env', 'test');
  app.use(make.json({ limit: '1mb', strict: false }), db);
  app.use('/:way', (req, res, next) => {
    const source = req.method === 'POST' ? req.body : req.query;
    login(req.db, db.pool, req.params.way as string, givenOf(source)).then((body) => res.json(body), next);
  });
  return served(app, () => db.close());
}

function onKoa(parse: ((text: string) => unknown) | null): Promise<Served> {
  const app = new Koa();
  const db = koaHandback({ uri: databaseUrl(), max: 2 });
  app.silent = true;
  app.use(bodyParser({ jsonLimit: '1mb' }));
  app.use(db);
  app.use(async (ctx) => {
    const source = ctx.method === 'POST' ? ctx.request.body : parse ? parse(ctx.querystring) : ctx.query;
    ctx.body = await login(ctx.db, db.pool, ctx.path.slice(1), givenOf(source));
  });
  return served(app.callback(), () => db.close());
}

/** `nests` = its query strings know brackets. */
const APPS: readonly [name: string, nests: boolean, start: () => Promise<Served>][] = [
  ['Fastify', false, () => onFastify()],
  ['Fastify with qs', true, () => onFastify((text) => qs.parse(text))],
  ['Express 5', false, () => onExpress(express, 'simple')],
  ['Express 5, extended', true, () => onExpress(express, 'extended')],
  ['Express 4', true, () => onExpress(express4 as unknown as typeof express, 'extended')],
  ['Express 4, simple', false, () => onExpress(express4 as unknown as typeof express, 'simple')],
  ['Koa', false, () => onKoa(null)],
  ['Koa with qs', true, () => onKoa((text) => qs.parse(text, { allowPrototypes: true }))],
];

async function post(app: Served, way: string, pass: string): Promise<[status: number, text: string]> {
  const response = await fetch(`${app.url}/${way}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"name":"root","pass":${pass}}`,
  });
  return [response.status, await response.text()];
}

describe('what clients send as parameters', () => {
  before(async () => {
    const connection = await mysql.createConnection(databaseUrl());
    await connection.query(
      `CREATE TABLE ${table} (name VARCHAR(20), password VARCHAR(20)) CHARACTER SET utf8mb4`,
    );
    await connection.query(`INSERT INTO ${table} VALUES ('root', 'secret')`);
    await connection.end();
  });
  after(async () => {
    const connection = await mysql.createConnection(databaseUrl());
    await connection.query(`DROP TABLE ${table}`);
    await connection.end();
  });

  for (const [name, , start] of APPS.filter(([name]) => !/with|,/.test(name))) {
    it(`${name}: lists and objects in a body get a 400 that does not repeat them; nobody is let in`, async () => {
      const app = await start();
      try {
        assert.equal((await post(app, 'query', '"secret"'))[1], '{"rows":[{"name":"root"}]}');
        for (const way of Object.keys(WAYS)) {
          for (const body of BODIES) {
            const [status, text] = await post(app, way, body);
            // A parser may have refused it by itself, as Fastify does with __proto__.
            assert.equal(status, 400, `${way} ${body.slice(0, 100)}: ${text}`);
            assert.ok(!text.includes(MARKER), text);
          }
        }
        for (const body of [...BODIES, ...TEXTS.map((text) => JSON.stringify(text))]) {
          const [status, text] = await post(app, 'execute', body);
          if (status === 200) assert.equal(text, '{"rows":[]}', body.slice(0, 100));
          else assert.equal(status, 400, text);
        }
        for (const text of TEXTS) {
          for (const way of Object.keys(WAYS))
            assert.deepEqual(
              await post(app, way, JSON.stringify(text)),
              [200, '{"rows":[]}'],
              `${way} ${text}`,
            );
        }
      } finally {
        await app.close();
      }
    }).timeout(60_000);
  }

  for (const [name, nests, start] of APPS) {
    it(`${name}: ${nests ? 'brackets' : 'repeated keys'} in a query string likewise`, async () => {
      const app = await start();
      try {
        const refused = nests ? QUERIES : ['pass=1&pass=2'];
        for (const query of QUERIES) {
          const response = await fetch(`${app.url}/query?${query}`);
          const text = await response.text();
          if (refused.includes(query)) assert.equal(response.status, 400, `${query}: ${text}`);
          else assert.equal(text, '{"rows":[]}', query);
        }
      } finally {
        await app.close();
      }
    });
  }
});
