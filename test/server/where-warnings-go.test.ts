import { strict as assert } from 'node:assert';
import { Writable } from 'node:stream';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createPool } from '@handback/core';
import handback from '@handback/fastify';
import Fastify from 'fastify';

interface HandbackWarning extends Error {
  code?: string;
}

describe('what an operator should know', () => {
  it('becomes a process warning when nobody listens', async () => {
    const pool = createPool({ uri: databaseUrl(), max: 1, name: 'unheard' });
    const warnings: HandbackWarning[] = [];
    const record = (warning: HandbackWarning) => warnings.push(warning);
    process.on('warning', record);
    try {
      const held = await pool.acquire();
      await held.query('SELECT ?', ['secret']);
      await assert.rejects(pool.acquire({ timeoutMs: 0 }), { code: 'ACQUIRE_TIMEOUT' });
      held.release();
      const warning = await eventually(() => {
        const found = warnings.find(({ name }) => name === 'HandbackWarning');
        assert.ok(found);
        return found;
      });
      assert.equal(warning.code, 'ACQUIRE_TIMEOUT');
      assert.match(
        warning.message,
        /pool 'unheard'.*max 1, maxIdle 1, leased 1.*held by pool\.acquire.*SELECT \?/,
      );
      assert.doesNotMatch(warning.message, /secret/);
    } finally {
      process.off('warning', record);
      await pool.close();
    }
  });

  it('is in the log of a Fastify application, with the report', async () => {
    const lines: { code?: string; report?: { holders: { route: string }[] } }[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const app = Fastify({ logger: { level: 'warn', stream } });
    await app.register(handback, { uri: databaseUrl(), max: 1, acquireTimeoutMs: 0 });
    let answer: Promise<{ statusCode: number }> | undefined;
    app.get('/outer', async (request) => {
      await request.db.query('SELECT 1');
      answer = app.inject('/inner');
      return (await answer).statusCode;
    });
    app.get('/inner', async (request) => request.db.query('SELECT 1'));
    assert.equal((await app.inject('/outer')).body, '503');
    await app.close();
    const logged = lines.find(({ code }) => code === 'ACQUIRE_TIMEOUT');
    assert.equal(logged?.report?.holders[0]?.route, '/outer');
  });
});
