import { strict as assert } from 'node:assert';
import { createConnection } from 'mysql2/promise';
import { serve } from '../app.js';
import type { Case, Db, Handler } from '../harness.js';
import { databaseUrl, unique } from '../support/database.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** What one request does, and the commands that the server must get for it: no more than the handler wrote. */
interface Visit {
  path: string;
  work(db: Db, table: string, n: number): Promise<unknown>;
  commands: { query?: number; execute?: number };
}

const VISITS: Visit[] = [
  {
    path: '/read',
    work: (db, table, n) => db.query(`SELECT id, name FROM ${table} WHERE id > ? ORDER BY id LIMIT 3`, [n]),
    commands: { query: 1 },
  },
  {
    path: '/create',
    work: (db, table, n) => db.query(`INSERT INTO ${table} (name) VALUES (?), (?)`, [`a${n}`, `b${n}`]),
    commands: { query: 1 },
  },
  {
    path: '/change',
    work: async (db, table, n) => {
      await db.query(`UPDATE ${table} SET name = ? WHERE id = ?`, [`c${n}`, n]);
      await db.query(`DELETE FROM ${table} WHERE id = ?`, [n]);
    },
    commands: { query: 2 },
  },
  {
    path: '/prepared',
    work: async (db, table, n) => {
      await db.execute(`INSERT INTO ${table} (name) VALUES (?)`, [`d${n}`]);
      await db.execute(`SELECT COUNT(*) AS n FROM ${table} WHERE id IN (?, ?)`, [n, n + 1]);
      await db.execute(`UPDATE ${table} SET name = CONCAT(name, ?) WHERE id = ?`, ['!', n]);
      await db.execute(`DELETE FROM ${table} WHERE id = ?`, [n]);
    },
    commands: { execute: 4 },
  },
  {
    path: '/transfer',
    work: (db, table, n) =>
      db.transaction(async (tx) => {
        await tx.query(`UPDATE ${table} SET name = ? WHERE id = ?`, [`e${n}`, n]);
        await tx.execute(`INSERT INTO ${table} (name) VALUES (?)`, [`f${n}`]);
      }),
    commands: { query: 3, execute: 1 },
  },
];

const ROUNDS = 40;

const handlerOf =
  ({ work }: Visit, table: string): Handler =>
  async ({ db, req, reply }) => {
    await work(db, table, Number(req.headers['x-visit']));
    reply(200, {});
  };

const cleanCostsNothing: Case = {
  name: 'two hundred requests of plain reads and writes: the server gets what the handlers wrote, and nothing else',
  async run(harness) {
    const table = unique('plain');
    const connection = await createConnection(databaseUrl());
    const proxy = await TcpProxy.inFrontOf(databaseUrl());
    try {
      await connection.query(`CREATE TABLE ${table} (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40))`);
      const routes = VISITS.map((visit) => ({ path: visit.path, handler: handlerOf(visit, table) }));
      const options = { uri: proxy.url(databaseUrl()), max: 1 };
      await serve(harness, { routes, options }, async (app) => {
        const visitAll = async (round: number) => {
          const headers = { 'X-Visit': String(round) };
          const answers = await Promise.all(VISITS.map(({ path }) => app.get(path, { headers })));
          for (const answer of answers) assert.equal(answer.status, 200, `${answer.body}`);
          await app.handedBack();
        };
        // Connecting and preparing are paid once.
        await visitAll(0);
        const before = app.pool.stats();
        proxy.mark();
        for (let round = 1; round <= ROUNDS; round++) await visitAll(round);
        const { commands } = proxy.traffic;
        const after = app.pool.stats();
        const released = after.released - before.released;
        const clean = after.cleanReleases - before.cleanReleases;
        assert.equal(released, ROUNDS * VISITS.length);
        assert.ok(clean / released >= 0.99, `${clean} of ${released} releases took no round trip`);
        const total = (kind: 'query' | 'execute') =>
          ROUNDS * VISITS.reduce((sum, visit) => sum + (visit.commands[kind] ?? 0), 0);
        assert.deepEqual(commands, { query: total('query'), execute: total('execute') });
      });
    } finally {
      await proxy.close();
      await connection.query(`DROP TABLE IF EXISTS ${table}`);
      await connection.end();
    }
  },
};

export const cleanHandBacks: Case[] = [cleanCostsNothing];
