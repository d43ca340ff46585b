import { strict as assert } from 'node:assert';
import { Readable } from 'node:stream';
import { clientGone, connectionId, serve } from '../app.js';
import type { Case, Context, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

const ENDLESS: Record<string, (context: Context) => unknown> = {
  'a handler that never answers': () => {},
  'a response that was hijacked and forgotten': ({ hijack }) => hijack(),
  'a raw pipe whose source has failed': ({ hijack }) => {
    const source = new Readable({ read() {} });
    source.on('error', () => {});
    source.pipe(hijack());
    source.destroy(new Error('the source of this test fails'));
  },
};

interface Warning {
  code: string;
  message: string;
}

const endless = (what: string, act: (context: Context) => unknown): Case => ({
  name: `${what}: reported with its route after leakAfterMs, and the connection taken away after maxHoldMs`,
  run(harness) {
    const handler: Handler = async (context) => {
      await connectionId(context.db);
      act(context);
      await clientGone(context.req);
    };
    const options = { leakAfterMs: 50, maxHoldMs: 600, idleHandBackMs: 0 };
    const setup = { routes: [{ path: '/endless', handler, options }], options: { max: 1 } };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/endless']);
      const warning = await app.eventually(() => {
        const [first] = (app.warnings as Warning[]).filter(({ code }) => code === 'LEAK');
        assert.ok(first);
        return first;
      });
      assert.match(
        warning.message,
        / is held by \/endless for .*: its response has not ended.*release\(\).*idleHandBackMs/,
      );
      assert.equal((await app.get('/next')).status, 200);
      assert.equal(app.pool.stats().evicted.maxHold, 1);
    });
  },
});

const released: Case = {
  name: 'db.release() between uses: nobody waits for a response that lasts',
  run(harness) {
    const first = new Gate();
    const goOn = new Gate();
    const handler: Handler = async ({ db, hijack, req }) => {
      const res = hijack();
      res.writeHead(200, { 'Content-Type': 'text/plain' });
      await connectionId(db);
      await db.release();
      first.open();
      await goOn.opened;
      res.write(`again-${(await connectionId(db)) > 0}-${db.state}`);
      await db.release();
      await clientGone(req);
    };
    const setup = { routes: [{ path: '/lasting', handler }], options: { max: 1, idleHandBackMs: 0 } };
    return serve(harness, setup, async (app) => {
      const client = await app.client();
      client.send(['/lasting']);
      await first.opened;
      assert.equal((await app.get('/next')).status, 200);
      goOn.open();
      await client.receiveUntil('again-true-leased');
      assert.equal((await app.get('/next')).status, 200);
    });
  },
};

export const neverEnding: Case[] = [
  ...Object.entries(ENDLESS).map(([what, act]) => endless(what, act)),
  released,
];
