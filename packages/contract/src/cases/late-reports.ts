import { strict as assert } from 'node:assert';
import { Afterwards, type App, clientGone, connectionId, serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';
import { Gate } from '../support/eventually.js';

interface LateWarning {
  code: string;
  message: string;
  stack?: string;
}

const late = ({ warnings }: App) => (warnings as LateWarning[]).filter(({ code }) => code === 'LATE');

async function countVisits(db: Db): Promise<void> {
  for (let n = 0; n < 3; n++) await db.query("SELECT 'of Ada' AS visit");
}

const afterTheAnswer: Case = {
  name: 'late statements are warned of once per route, with the stack of the call',
  run(harness) {
    const works = [new Afterwards<void>(), new Afterwards<void>()];
    let visits = 0;
    const handler: Handler = async ({ db, reply }) => {
      await connectionId(db);
      works[visits++]?.schedule(() => countVisits(db));
      reply(200, {});
    };
    return serve(harness, { routes: [{ path: '/visits', handler }] }, async (app) => {
      for (const work of works) {
        await app.get('/visits');
        await app.handedBack();
        await work.begin();
      }
      assert.equal(app.pool.stats().late, 6);
      const [warning, ...more] = late(app);
      assert.deepEqual(more, []);
      assert.match(warning?.message ?? '', /of \/visits came after its response \(SELECT \? AS visit\)/);
      assert.match(warning?.stack?.split('\n')[0] ?? '', /^ +at countVisits /);
    });
  },
};

const afterTheClientLeft: Case = {
  name: 'what a handler does after its client has left is warned of as that',
  run(harness) {
    const started = new Gate();
    const done = new Gate();
    const handler: Handler = async ({ req, db }) => {
      await connectionId(db);
      started.open();
      await clientGone(req);
      // The end is decided in the turn after it was seen.
      await new Promise((resolve) => setTimeout(resolve, 1));
      done.open(countVisits(db));
      await new Promise(() => {});
    };
    return serve(harness, { routes: [{ path: '/visits', handler }] }, async (app) => {
      const client = await app.client();
      client.send(['/visits']);
      await started.opened;
      client.leave('RST');
      await done.opened;
      assert.deepEqual(
        late(app).map(({ message }) => /of (.*?) \(/.exec(message)?.[1]),
        ['/visits came after its client had left'],
      );
    });
  },
};

export const lateReports: Case[] = [afterTheAnswer, afterTheClientLeft];
