import assert from 'node:assert/strict';
import { eventually } from '@handback/contract/support/eventually.js';
import request from 'supertest';
import { describeExamples, isQuiet, startExample } from './examples.js';

const STATS = [
  'max',
  'idle',
  'leased',
  'opening',
  'pending',
  'opened',
  'evicted',
  'acquired',
  'released',
  'late',
  'rolledBack',
];

const LINKS = [
  '/users/1',
  '/users',
  '/accounts/total',
  '/slow?ms=2000',
  '/export',
  '/boom',
  '/health',
  '/stats',
];

describeExamples('routes', (running, example) => {
  const get = (path: string) => request(running().url).get(path);

  it('GET / links every route that can be a link, shows the pool, and loads nothing from elsewhere', async () => {
    const { text } = await get('/').expect(200).expect('Content-Type', 'text/html; charset=utf-8');
    assert.match(text, new RegExp(`<title>Handback on ${example.framework}</title>`));
    const links = [...text.matchAll(/<a href="([^"]+)"/g)].map((match) => match[1] as string);
    assert.deepEqual(links, LINKS);
    assert.match(text, /data-stat="leased">\d+</);
    assert.doesNotMatch(text, /https?:\/\//);
  });

  it('GET /users/:id is one user', async () => {
    const { body } = await get('/users/7')
      .expect(200)
      .expect('Content-Type', /^application\/json/);
    assert.deepEqual(Object.keys(body), ['id', 'name', 'email']);
    assert.equal(body.id, 7);
  });

  for (const id of ['0', '201', '-1', '999999999999999999999', 'abc', '7abc', '7%20', '1.0']) {
    it(`GET /users/${id} is a 404 in JSON`, async () => {
      const { body } = await get(`/users/${id}`)
        .expect(404)
        .expect('Content-Type', /^application\/json/);
      assert.deepEqual(body, { error: 'There is no such user.' });
    });
  }

  it('GET /users is all 200 of them', async () => {
    const { body } = await get('/users').expect(200);
    assert.deepEqual(
      body.map((user: { id: number }) => user.id),
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
  });

  it('GET /accounts/total counts the money', async () => {
    const { body } = await get('/accounts/total').expect(200);
    assert.deepEqual(body, { accounts: 50, total: 50_000 });
  });

  it('GET /slow holds one connection for as long as it was told', async () => {
    const begin = performance.now();
    const answer = get('/slow?ms=300').expect(200, { sleptMs: 300 }).then();
    await eventually(() => assert.equal(running().pool.stats().leased, 1));
    await answer;
    assert.ok(performance.now() - begin >= 295);
    await isQuiet(running().pool);
  });

  it('GET /slow takes a second when it is told nothing', () => get('/slow').expect(200, { sleptMs: 1_000 }));

  for (const ms of ['', '-1', '1.5', 'abc', '5001', '1e3', '99999999999', '1&ms=2', '0x10']) {
    it(`GET /slow?ms=${ms} is a 400 without a connection`, async () => {
      const { acquired } = running().pool.stats();
      await get(`/slow?ms=${ms}`).expect(400, { error: 'ms is a whole number from 0 to 5000.' });
      assert.equal(running().pool.stats().acquired, acquired);
    });
  }

  it('GET /boom is a 500 that says nothing to the public, and the connection is back', async () => {
    const { logged, pool } = running();
    const { acquired } = pool.stats();
    await get('/boom').expect(500, { error: 'Internal Server Error' });
    assert.equal(pool.stats().acquired, acquired + 1);
    await isQuiet(pool);
    assert.match(String(logged.pop()), /Boom/);
  });

  it('GET /health takes no connection', async () => {
    const { acquired, opened } = running().pool.stats();
    await get('/health').expect(200, { status: 'ok' });
    const after = running().pool.stats();
    assert.deepEqual([after.acquired, after.opened], [acquired, opened]);
  });

  it('GET /stats tells of the pool what handback top and doctor read', async () => {
    const { pool } = running();
    await isQuiet(pool);
    const { body } = await get('/stats').expect(200);
    for (const name of STATS) assert.ok(name in body.stats, name);
    assert.deepEqual(body, {
      name: pool.name,
      pid: process.pid,
      stats: pool.stats(),
      holders: [],
      connections: pool.connections(),
      options: JSON.parse(JSON.stringify(pool.options)),
    });
  });

  it('only failures of the server are logged', () => assert.deepEqual(running().logged, []));

  it('an exhausted pool is a 503 with Retry-After on every route that queries', async () => {
    const small = await startExample(example, { max: 1, acquireTimeoutMs: 500 });
    // Otherwise they go to the terminal.
    small.pool.events.on('warning', () => {});
    const lease = await small.pool.acquire({ timeoutMs: 10_000 });
    try {
      for (const path of ['/users/1', '/slow', '/export', '/boom']) {
        const { body } = await request(small.url).get(path).expect(503).expect('Retry-After', /^\d+$/);
        assert.deepEqual(Object.keys(body), ['error'], path);
        assert.doesNotMatch(body.error, /leased|holds|SELECT/);
      }
      await request(small.url).get('/health').expect(200);
      await request(small.url).get('/stats').expect(200);
    } finally {
      lease.release();
      await small.close();
    }
  });
});
