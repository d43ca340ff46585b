import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { AppProcess } from '#bench/http/app-process.js';
import type { Cell } from '#bench/http/compare.js';
import { type Framework, frameworks } from '#bench/http/contender.js';
import { cellsOf } from '#bench/http/contenders.js';
import { Load } from '#bench/http/load.js';
import { ID, ONE, paths, type Route } from '#bench/http/work.js';
import { type BenchServer, startBenchServer } from '#bench/measure/server.js';

type Subject = Pick<Cell, 'framework' | 'contender'>;

/** Each application with the routes at which it is compared. */
function subjects(framework: Framework): Map<string, Route[]> {
  const routes = new Map<string, Route[]>([
    ['bare', ['none']],
    ['handback', ['none']],
  ]);
  for (const route of ['one', 'three', 'execute'] as const) {
    const cells = cellsOf(framework, route);
    // The others are compared with the first.
    if (cells.length < 2) continue;
    for (const { contender } of cells) routes.set(contender, [...(routes.get(contender) ?? []), route]);
  }
  return routes;
}

describe('npm run bench: the applications that are compared', function suite() {
  this.timeout(60_000);
  let server: BenchServer;
  let bodies: Record<Route, string>;
  const { signal } = new AbortController();

  before(async () => {
    server = await startBenchServer({ rows: ID, signal });
    const connection = await createConnection(server.url);
    const [[row]] = await connection.query<RowDataPacket[]>(ONE, [ID]);
    await connection.end();
    assert.ok(row);
    const one = JSON.stringify(row);
    const three = JSON.stringify([[row], [row], [row]]);
    bodies = { none: JSON.stringify({ ok: true }), one, three, execute: one };
  });

  after(() => server?.stop());

  async function withLoad(
    subject: Subject,
    work: (load: Load, app: AppProcess) => Promise<void>,
  ): Promise<void> {
    const app = await AppProcess.start({ ...subject, uri: server.url }, signal);
    try {
      const load = await Load.open(app.port, 2);
      await work(load, app).finally(() => load.close());
    } finally {
      await app.stop();
    }
  }

  for (const framework of frameworks) {
    for (const [contender, routes] of subjects(framework)) {
      it(`${framework}, ${contender}: ${routes.join(', ')} with the same body as all, again and again`, () =>
        withLoad({ framework, contender }, async (load, app) => {
          for (const route of routes) {
            const before = await app.acquired();
            assert.equal(await load.bodyOf(paths[route]), bodies[route]);
            await load.run(paths[route], 20);
            // One a request, however many queries it has, and none without.
            if (before !== null) assert.equal(await app.acquired(), before + (route === 'none' ? 0 : 21));
          }
        }));
    }

    it(`${framework}: each of its applications is compared somewhere`, () => {
      const files = readdirSync(`bench/src/http/apps/${framework}`).map((file) => file.replace(/\.ts$/, ''));
      const applications = files.filter((file) => file !== 'listening');
      assert.deepEqual(applications.sort(), [...subjects(framework).keys()].sort());
    });
  }
});
