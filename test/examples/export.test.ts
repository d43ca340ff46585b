import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { exportVisits } from 'handback-examples/dist/shared/export.js';
import request from 'supertest';
import { describeExamples, isQuiet, startExample } from './examples.js';

const ROWS = 100_000;

describeExamples('export', (running, example) => {
  it('delivers 100 000 rows in order, a line of JSON each', async () => {
    const response = await open(running().url);
    assert.equal(response.headers['content-type'], 'application/x-ndjson');
    let lines = 0;
    for await (const line of createInterface({ input: response })) {
      lines += 1;
      assert.equal(JSON.parse(line).id, lines);
    }
    assert.equal(lines, ROWS);
    await isQuiet(running().pool);
    assert.equal(running().pool.stats().late, 0);
  });

  it('is read from the database no faster than it is taken', async () => {
    const { pool } = running();
    await pool.run(async (db) => {
      const lines = await exportVisits(db);
      await delay(300);
      assert.ok(lines.readableLength < 500_000, `${lines.readableLength} bytes are waiting`);
      assert.equal(pool.stats().leased, 1);
      lines.destroy();
    });
    await isQuiet(pool);
  });

  it('a client that leaves in the middle frees the connection for the next one', async () => {
    const small = await startExample(example, { max: 1 });
    try {
      for (let client = 0; client < 5; client++) {
        const response = await open(small.url);
        await once(response, 'data');
        response.destroy();
      }
      await request(small.url).get('/users/1').expect(200);
      await isQuiet(small.pool);
      assert.equal(small.pool.stats().acquired, 6);
      assert.deepEqual(small.logged, [], 'a client may leave');
    } finally {
      await small.close();
    }
  });

  it('a client that reads nothing and leaves frees the connection', async () => {
    const response = await open(running().url);
    response.pause();
    await delay(100);
    response.destroy();
    await isQuiet(running().pool);
  });
});

async function open(url: string): Promise<IncomingMessage> {
  const [response] = await once(get(`${url}/export`, { agent: false }), 'response');
  // It is destroyed on purpose in some of the cases.
  response.on('error', () => {});
  return response;
}
