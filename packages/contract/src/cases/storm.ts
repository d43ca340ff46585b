import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { type App, serve } from '../app.js';
import type { Case, Context, Db, Handler } from '../harness.js';
import type { RequestOptions } from '../support/http-message.js';
import { warningsDuring } from '../support/warning-recorder.js';

const clients = 60;
const requestsEach = 4;

/** Numbers below a limit that follow from the seed alone (mulberry32). */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A statement whose answer shows whose question it was. */
async function echoes(db: Db, question: number): Promise<boolean> {
  const [rows] = await db.query('SELECT ? AS answer, SLEEP(0.001)', [question]);
  return rows[0]?.answer === question;
}

/** What handlers do to a connection, the bad habits included. */
const habits: Array<(context: Context, question: number) => Promise<boolean>> = [
  async ({ db }, question) => (await echoes(db, question)) && echoes(db, question + 1),
  async ({ db }, question) =>
    (await Promise.all([echoes(db, question), echoes(db, question + 1)])).every(Boolean),
  async ({ db }, question) => {
    echoes(db, question).catch(() => {});
    return true;
  },
  async ({ db }, question) => {
    await db.beginTransaction();
    return echoes(db, question);
  },
  async ({ db }, question) => db.transaction((tx) => echoes(tx, question)),
  async ({ db, reply }, question) => {
    reply(200, {});
    return echoes(db, question);
  },
  async ({ db }, question) => {
    await echoes(db, question);
    throw new Error('oops');
  },
];

async function stormOn(app: App, pick: (limit: number) => number): Promise<void> {
  const oneClient = async () => {
    const client = await app.client();
    const options: RequestOptions = pick(2) === 0 ? { method: 'POST', body: '{}' } : {};
    client.send(...Array.from({ length: requestsEach }, (): [string, RequestOptions] => ['/work', options]));
    const answersRead = pick(requestsEach + 1);
    const departure = pick(2) === 0 ? 'RST' : 'FIN';
    for (let n = 0; n < answersRead; n++) await client.receive();
    client.leave(departure);
  };
  await Promise.all(Array.from({ length: clients }, oneClient));
}

export const storm: Case[] = [
  {
    name: 'sixty clients that pipeline and leave at random, handlers with bad habits: every answer is its own',
    async run(harness) {
      const seed = Number(process.env.HANDBACK_TEST_SEED ?? randomInt(2 ** 31));
      const pick = numbersFrom(seed);
      const wrong: number[] = [];
      let started = 0;
      let settled = 0;
      const handler: Handler = async (context) => {
        const question = started++ * 10;
        const habit = habits[pick(habits.length)] as (typeof habits)[number];
        try {
          if (!(await habit(context, question))) wrong.push(question);
          if (!context.res.headersSent) context.reply(200, {});
        } finally {
          settled += 1;
        }
      };
      const routes = (['GET', 'POST'] as const).map((method) => ({ method, path: '/work', handler }));
      const stormy = serve(harness, { routes, options: { max: 4, drainTimeoutMs: 500 } }, async (app) => {
        const warnings = await warningsDuring(async () => {
          await stormOn(app, pick);
          await app.eventually(() => assert.equal(settled, started));
        });
        assert.deepEqual(warnings, []);
        assert.deepEqual(wrong, [], "answers to somebody else's questions");
        assert.ok(app.pool.stats().opened - app.pool.stats().closed <= 4);
      });
      await stormy.catch((error: Error) => {
        error.message += `\n(again with HANDBACK_TEST_SEED=${seed})`;
        throw error;
      });
    },
  },
];
