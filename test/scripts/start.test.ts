import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { runNode } from './processes.js';

describe('npm start', () => {
  it('says that the port is taken, and how to choose another one', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    try {
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const { code, stdout, stderr } = await runNode(['scripts/start.mjs', 'koa'], { PORT: String(port) });
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`^Port ${port} is taken.* PORT=\\d+ npm start -- koa\n$`));
      assert.equal(stdout, '', 'it asks before it installs or builds anything');
    } finally {
      other.close();
    }
  });

  for (const port of ['0', '65536', '80x', '-1', ' ']) {
    it(`refuses PORT=${JSON.stringify(port)}`, async () => {
      const { code, stderr } = await runNode(['scripts/start.mjs'], { PORT: port });
      assert.equal(code, 1);
      assert.match(stderr, /^PORT must be a number from 1 to 65535/);
    });
  }

  for (const args of [['hapi'], ['koa', 'express'], ['--prot', '80']]) {
    it(`refuses ${args.join(' ')} and names the frameworks there are`, async () => {
      const { code, stdout, stderr } = await runNode(['scripts/start.mjs', ...args]);
      assert.equal(code, 2);
      assert.ok(stderr.includes(args[0] ?? ''), stderr);
      assert.match(stderr, /npm start \[-- fastify \| express \| koa \| http\]/);
      assert.equal(stdout, '');
    });
  }

  it('has help', async () => {
    const { code, stdout, stderr } = await runNode(['scripts/start.mjs', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: npm start \[-- fastify \| express \| koa \| http\]/);
    assert.equal(stderr, '');
  });
});
