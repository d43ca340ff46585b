import { strict as assert } from 'node:assert';
import { json, serve } from '../app.js';
import type { Case, Db, Handler, Row } from '../harness.js';
import { unique } from '../support/database.js';
import { lastId, numbered, rows, sessionObjects } from './session-objects.js';
import { answerOf, onPlainConnection, type Protocol } from './session-state.js';

// The other side of session state: what a request set itself must still be there, whatever is done against the
// marks of the request before it.

type Work = (db: Db, protocol: Protocol) => Promise<unknown>;

const PROTOCOLS: Protocol[] = ['query', 'execute'];
const ORDER = `INSERT INTO ${numbered} (n) VALUES (1)`;
const LAST_ID = 'SELECT LAST_INSERT_ID() AS id';

/** What a request leaves that did nothing out of the ordinary: an id, a warning, counts. */
const ordinary: Work = async (db, protocol) => {
  await db[protocol](ORDER);
  await db[protocol](`UPDATE ${rows} SET n = n WHERE n > 2`);
  await db[protocol](`SELECT 'left behind' + n FROM ${rows}`);
};

/** After a request that did ordinary things, `work` gives what it gives on a session of its own. */
function ownCase(name: string, work: Work, expected: unknown): Case {
  return {
    name,
    async run(harness) {
      await sessionObjects();
      const routes = PROTOCOLS.flatMap((protocol) => {
        const before: Handler = async ({ db, reply }) => reply(200, (await ordinary(db, protocol)) ?? {});
        const own: Handler = async ({ db, reply }) => reply(200, { answer: await work(db, protocol) });
        return [
          { path: `/before/${protocol}`, handler: before },
          { path: `/own/${protocol}`, handler: own },
        ];
      });
      await serve(harness, { routes, options: { max: 1 } }, async (app) => {
        for (const protocol of PROTOCOLS) {
          assert.deepEqual(
            await onPlainConnection((db) => work(db, protocol)),
            expected,
            'on a plain connection',
          );
          assert.equal((await app.get(`/before/${protocol}`)).status, 200);
          await app.handedBack();
          const answer = await app.get(`/own/${protocol}`);
          assert.equal(answer.status, 200, `${answer.body}`);
          assert.deepEqual(json(answer).answer, expected, `by ${protocol}`);
          await app.handedBack();
        }
      });
    },
  };
}

async function insert(db: Db, protocol: Protocol): Promise<number> {
  const [header] = await db[protocol](ORDER);
  return (header as unknown as { insertId: number }).insertId;
}

async function scalar(db: Db, protocol: Protocol, sql: string): Promise<unknown> {
  const [[row]] = (await db[protocol](sql)) as [Row[], unknown];
  return Object.values(row as Row)[0];
}

const same = async (db: Db, protocol: Protocol, id: number, sql = LAST_ID) =>
  (await scalar(db, protocol, sql)) === id;

const ids: Case[] = [
  ownCase(
    "LAST_INSERT_ID() is the request's own",
    async (db, protocol) => {
      const id = await insert(db, protocol);
      return [await same(db, protocol, id), await same(db, protocol, id)];
    },
    [true, true],
  ),
  ownCase(
    "LAST_INSERT_ID() is the request's own after a plain SELECT in between",
    async (db, protocol) => {
      const id = await insert(db, protocol);
      await db[protocol](`SELECT n FROM ${rows}`);
      return same(db, protocol, id);
    },
    true,
  ),
  ownCase(
    "LAST_INSERT_ID() is 0 before the request's own INSERT and right after it",
    async (db, protocol) => {
      const before = await scalar(db, protocol, LAST_ID);
      const id = await insert(db, protocol);
      await db[protocol]('SELECT 1');
      return [before, await same(db, protocol, id)];
    },
    [0, true],
  ),
  ownCase(
    "LAST_INSERT_ID() is the request's own in its transaction and after it",
    async (db, protocol) => {
      const inside = await db.transaction(async (tx) => {
        const id = await insert(tx, protocol);
        await tx[protocol]('SELECT 1');
        return { id, same: await same(tx, protocol, id) };
      });
      return [inside.same, await same(db, protocol, inside.id)];
    },
    [true, true],
  ),
  ownCase(
    "LAST_INSERT_ID() in a transaction is that of the request's INSERT before it",
    async (db, protocol) => {
      const id = await insert(db, protocol);
      return db.transaction((tx) => same(tx, protocol, id));
    },
    true,
  ),
  ownCase(
    "a view, a function and @@identity give the request's own id",
    async (db, protocol) => {
      const id = await insert(db, protocol);
      return [
        await same(db, protocol, id, `SELECT id FROM ${lastId.view}`),
        await same(db, protocol, id, `SELECT ${lastId.function}() AS id`),
        await same(db, protocol, id, 'SELECT @@identity AS id'),
      ];
    },
    [true, true, true],
  ),
];

const untouched: Case[] = [
  ownCase(
    'reading LAST_INSERT_ID() in a transaction neither ends it nor undoes what it did',
    async (db, protocol) => {
      const [before, id] = await db.transaction(async (tx) => {
        await tx[protocol](`UPDATE ${rows} SET n = 70 WHERE n = 7`);
        return [
          await scalar(tx, protocol, `SELECT MAX(n) AS n FROM ${rows}`),
          await scalar(tx, protocol, LAST_ID),
        ];
      });
      const after = await scalar(db, protocol, `SELECT MAX(n) AS n FROM ${rows}`);
      await db[protocol](`UPDATE ${rows} SET n = 7 WHERE n = 70`);
      return [before, id, after];
    },
    [70, 0, 70],
  ),
  ownCase(
    'reading LAST_INSERT_ID() in a transaction leaves it to rollback()',
    async (db, protocol) => {
      await db.beginTransaction();
      await db[protocol](`UPDATE ${rows} SET n = 70 WHERE n = 7`);
      const id = await scalar(db, protocol, LAST_ID);
      await db.rollback();
      return [id, await scalar(db, protocol, `SELECT MAX(n) AS n FROM ${rows}`)];
    },
    [0, 7],
  ),
  ownCase(
    "reading LAST_INSERT_ID() leaves the request's variables, temporary tables and locks",
    async (db, protocol) => {
      const lock = unique('handback_test_own');
      await db[protocol]("SET @own = 'mine'");
      await db[protocol]('CREATE TEMPORARY TABLE own_scratch (n INT)');
      await db[protocol](`SELECT GET_LOCK('${lock}', 0)`);
      const id = await scalar(db, protocol, LAST_ID);
      return [
        id,
        await scalar(db, protocol, 'SELECT @own AS own'),
        await scalar(db, protocol, 'SELECT COUNT(*) AS n FROM own_scratch'),
        await scalar(db, protocol, `SELECT IS_USED_LOCK('${lock}') = CONNECTION_ID() AS mine`),
      ];
    },
    [0, 'mine', 0, 1],
  ),
  ownCase(
    "SHOW WARNINGS shows the request's own",
    async (db, protocol) => {
      await db[protocol]("SELECT 'mine' + 1");
      return answerOf(db, protocol, 'SHOW WARNINGS');
    },
    [['Warning', 1292, "Truncated incorrect DOUBLE value: 'mine'"]],
  ),
  ownCase(
    "ROW_COUNT() is the request's own",
    async (db, protocol) => {
      await db[protocol](`UPDATE ${rows} SET n = n WHERE n < 3`);
      return scalar(db, protocol, 'SELECT ROW_COUNT() AS n');
    },
    2,
  ),
  ownCase(
    "FOUND_ROWS() is the request's own",
    async (db, protocol) => {
      await db[protocol](`SELECT n FROM ${rows} WHERE n < 4`);
      return scalar(db, protocol, 'SELECT FOUND_ROWS() AS n');
    },
    3,
  ),
];

export const ownSession: Case[] = [...ids, ...untouched];
