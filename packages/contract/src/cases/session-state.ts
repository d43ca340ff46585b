import { strict as assert } from 'node:assert';
import { type Connection, createConnection } from 'mysql2/promise';
import { json, serve } from '../app.js';
import { dbOn } from '../db-on.js';
import type { Case, CaseHarness, Db } from '../harness.js';
import { databaseUrl } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ServerWatcher } from '../support/server-watcher.js';
import { sessionObjects } from './session-objects.js';
import { type Moment, type Stain, sessionStains } from './session-stains.js';
import { answerStains } from './session-stains-answers.js';
import { hiddenSessionStains } from './session-stains-hidden.js';

export type Protocol = 'query' | 'execute';

/** How one round of a case goes: by which protocol, and when the next holder looks. */
interface Round {
  protocol: Protocol;
  moment: Moment;
  /** What the look answers on a session that nobody has touched. */
  fresh: unknown;
  /** What it answers to whoever takes over a session as it was left. */
  stained: unknown;
}

/** mysql2 without a pool, its session like that of a new connection of Handback. */
export async function onPlainConnection<T>(work: (db: Db, connection: Connection) => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri: databaseUrl(), flags: ['-IGNORE_SPACE'] });
  try {
    return await work(
      dbOn(async () => connection),
      connection,
    );
  } finally {
    await closed(connection);
  }
}

/** Named locks and table locks outlive the socket until the server has seen it close. */
async function closed(connection: Connection): Promise<void> {
  const watcher = await ServerWatcher.open();
  connection.destroy();
  await eventually(async () => assert.ok(!(await watcher.isConnected(connection.threadId))));
  await watcher.close();
}

async function soil(db: Db, { dirty, fails }: Stain, protocol: Protocol): Promise<void> {
  const last = fails ? dirty.at(-1) : undefined;
  for (const sql of dirty) {
    if (sql === last) await assert.rejects(db[protocol](sql));
    else await db[protocol](sql);
  }
}

/** Rows without their names, or the code of the error. */
export async function answerOf(db: Db, protocol: Protocol, sql: string): Promise<unknown> {
  try {
    const [rows] = await db[protocol](sql);
    return valuesOf(rows);
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

function valuesOf(rows: unknown): unknown {
  if (!Array.isArray(rows)) return 'done';
  // What CALL gives: the rows of each result, then a header.
  const [first] = rows;
  if (Array.isArray(first)) return rows.filter(Array.isArray).map(valuesOf);
  return rows.map(Object.values);
}

async function see(db: Db, { look }: Stain, { protocol, moment }: Pick<Round, 'protocol' | 'moment'>) {
  const seen: unknown[] = [];
  const lookAround = async (on: Db) => {
    for (const sql of look) seen.push(await answerOf(on, protocol, sql));
  };
  if (moment === 'second') await db[protocol]('SELECT 1');
  if (moment === 'in a transaction') await db.transaction(lookAround);
  else await lookAround(db);
  return JSON.parse(JSON.stringify(seen)) as unknown;
}

/** A case that looks where nothing can be seen would always pass: the stain must show where nobody cleans up. */
async function calibrate(stain: Stain): Promise<Round[]> {
  const { textOnly, moments = ['first', 'second', 'in a transaction'] } = stain;
  const protocols: Protocol[] = textOnly ? ['query'] : ['query', 'execute'];
  const rounds: Round[] = [];
  for (const protocol of protocols) {
    for (const moment of moments) {
      const how = { protocol, moment };
      const fresh = await onPlainConnection((db) => see(db, stain, how));
      const stained = await onPlainConnection(async (db) => {
        await soil(db, stain, protocol);
        return see(db, stain, how);
      });
      assert.notDeepEqual(stained, fresh, `no stain: ${protocol}, ${moment}`);
      rounds.push({ ...how, fresh, stained });
    }
  }
  return rounds;
}

async function withBystander(statements: string[] = [], work: () => Promise<void>): Promise<void> {
  if (statements.length === 0) return work();
  await onPlainConnection(async (db) => {
    for (const sql of statements) await db.query(sql);
    await work();
  });
}

/** One request soils its session; the next one gets it, or its successor, and looks. */
async function requests(harness: CaseHarness, stain: Stain, rounds: Round[]): Promise<void> {
  const routes = rounds.flatMap((round, index) => [
    {
      path: `/soil/${index}`,
      handler: async ({ db, reply }: { db: Db; reply(status: number, body: unknown): void }) => {
        await soil(db, stain, round.protocol);
        reply(200, {});
      },
    },
    {
      path: `/look/${index}`,
      handler: async ({ db, reply }: { db: Db; reply(status: number, body: unknown): void }) =>
        reply(200, { seen: await see(db, stain, round) }),
    },
  ]);
  await serve(harness, { routes, options: { max: 1 } }, async (app) => {
    for (const [index, { protocol, moment, fresh, stained }] of rounds.entries()) {
      const soiled = await app.get(`/soil/${index}`);
      assert.equal(soiled.status, 200, `${soiled.body}`);
      await app.handedBack();
      const { seen } = json(await app.get(`/look/${index}`));
      const message = `stained: by ${protocol}, ${moment}, the next request saw ${JSON.stringify(seen)}`;
      if (stain.anythingElse) assert.notDeepEqual(seen, stained, message);
      else assert.deepEqual(seen, fresh, `${message} instead of ${JSON.stringify(fresh)}`);
      await app.handedBack();
    }
  });
}

function stainCase(stain: Stain): Case {
  let calibrated: Promise<Round[]> | undefined;
  return {
    name: `${stain.name}: the next request does not see it`,
    run: async (harness) => {
      await sessionObjects();
      await withBystander(stain.bystander, async () => {
        calibrated ??= calibrate(stain);
        await requests(harness, stain, await calibrated);
      });
    },
  };
}

export const sessionState: Case[] = sessionStains.map(stainCase);
export const hiddenSessionState: Case[] = hiddenSessionStains.map(stainCase);
export const rememberedAnswers: Case[] = answerStains.map(stainCase);
