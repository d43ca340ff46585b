import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { seed } from 'handback-examples/dist/shared/seed.js';
import request from 'supertest';
import { examples } from './examples.js';
import { withProgram } from './processes.js';

for (const { framework, serverFile } of examples) {
  describe(`example: ${framework}: server.js`, () => {
    const run = <T>(env: Record<string, string>, work: Parameters<typeof withProgram<T>>[2]) =>
      withProgram(serverFile, { DATABASE_URL: databaseUrl(), PORT: '0', ...env }, work);

    before(() => seed(databaseUrl()));

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`prints its address and what to try, answers, and ends on ${signal}`, async () => {
        await run({}, async (program) => {
          const url = await program.url();
          assert.match(program.stdout, new RegExp(`on ${framework}: ${url}\n[^]*curl ${url}/users/1\n`));
          const { body } = await request(url).get('/users/1').expect(200);
          assert.equal(body.id, 1);
          program.process.kill(signal);
          const { code, stderr } = await program.ended;
          assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        });
      });
    }

    it('answers what is under way before it ends', async () => {
      await run({}, async (program) => {
        const url = await program.url();
        const answer = request(url).get('/slow?ms=1500').expect(200, { sleptMs: 1_500 }).then();
        const watcher = await ServerWatcher.open();
        await eventually(() => watcher.runner('SLEEP(')).finally(() => watcher.close());
        program.process.kill('SIGTERM');
        await answer;
        assert.equal((await program.ended).code, 0);
      });
    });

    it('does not outlive the process that started it', async () => {
      await run({}, async (program) => {
        await program.url();
        program.process.disconnect();
        assert.equal((await program.ended).code, 0);
      });
    });

    it('says in one line that its port is taken', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      try {
        await run({ PORT: String(port) }, async (program) => {
          const { code, stdout, stderr } = await program.ended;
          assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
          assert.equal(stderr, `Port ${port} is taken. Choose another one: PORT=${port + 1}\n`);
        });
      } finally {
        other.close();
      }
    });

    for (const PORT of ['abc', '70000', '80.5']) {
      it(`refuses the port '${PORT}'`, async () => {
        await run({ PORT }, async (program) => {
          const { code, stderr } = await program.ended;
          assert.equal(stderr, `PORT is a whole number from 0 to 65535, not '${PORT}'.\n`);
          assert.equal(code, 1);
        });
      });
    }

    it('says what is missing without DATABASE_URL', async () => {
      await run({ DATABASE_URL: '' }, async (program) => {
        const { code, stderr } = await program.ended;
        assert.match(stderr, /^DATABASE_URL is not set\. .*mysql:\/\/.*\n$/);
        assert.equal(code, 1);
      });
    });

    it('refuses a DATABASE_URL that is not mysql, without showing its password', async () => {
      await run({ DATABASE_URL: 'postgres://me:secret@127.0.0.1/handback_test_x' }, async (program) => {
        const { code, stderr } = await program.ended;
        assert.match(stderr, /^Option 'uri' .*\n$/);
        assert.doesNotMatch(stderr, /secret/);
        assert.equal(code, 1);
      });
    });
  });
}
