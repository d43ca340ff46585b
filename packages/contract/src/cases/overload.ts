import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { type App, serve } from '../app.js';
import type { Case, Route } from '../harness.js';
import type { Message } from '../support/http-message.js';

const work: Route = {
  path: '/work',
  async handler({ db, reply }) {
    await db.query('SELECT SLEEP(0.005)');
    reply(200, { done: true });
  },
};

/** They come in waves, whatever becomes of those before them: far more than one connection can serve. */
const WAVE = 40;
const BETWEEN_WAVES_MS = 100;
/** A machine that has other things to do takes longer until the line has proved to stand. */
const MOST_WAVES = 120;

const isOverloaded = (error: unknown) => (error as { code?: string }).code === 'OVERLOADED';

async function untilShed(app: App): Promise<Message[]> {
  const answers: Promise<Message>[] = [];
  for (let wave = 0; wave < MOST_WAVES && !app.errors.some(isOverloaded); wave++) {
    for (let n = 0; n < WAVE; n++) answers.push(app.get('/work'));
    await delay(BETWEEN_WAVES_MS);
  }
  return Promise.all(answers);
}

const answersEarly: Case = {
  name: 'more requests than can be served: some get 503 (OVERLOADED) with Retry-After before their time is over, the others an answer',
  run: (harness) =>
    // A deadline that nobody meets.
    serve(harness, { routes: [work], options: { max: 1, acquireTimeoutMs: 60_000 } }, async (app) => {
      const answers = await untilShed(app);
      assert.ok(app.errors.some(isOverloaded), 'nobody was refused');
      const refused = answers.filter(({ status }) => status !== 200);
      assert.equal(refused.length, app.errors.filter(isOverloaded).length);
      for (const { status, headers, body } of refused) {
        assert.equal(status, 503);
        assert.match(String(headers['retry-after']), /^[1-9]\d*$/);
        for (const internal of ['SLEEP', '/work', 'servedPerSecond'])
          assert.ok(!body.includes(internal), String(body));
      }
      assert.ok(answers.some(({ status }) => status === 200));
      assert.equal((await app.get('/work')).status, 200, 'and then it is over');
    }),
};

export const overload: Case[] = [answersEarly];
