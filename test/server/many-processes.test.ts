import { strict as assert } from 'node:assert';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { type ConnectionPool, createPool } from '@handback/core';
import type { RowDataPacket } from 'mysql2';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { FaultProxy } from '../chaos/proxy/fault-proxy.js';
import { Random } from '../chaos/random.js';
import type { Told } from './programs/worker.js';

const PROGRAM = fileURLToPath(new URL('./programs/worker.js', import.meta.url));
/** How a statement fails that was under way when the server was killed. */
const CUT_OFF = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE']);

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function answer<T>(worker: ChildProcess): Promise<T> {
  const [message] = await within(30_000, 'a worker', once(worker, 'message'));
  return message as T;
}

/** So many processes, each with one connection. */
async function start(server: { url: string }, count: number, max: number): Promise<ChildProcess[]> {
  const env = { ...process.env, DATABASE_URL: server.url };
  const workers = Array.from({ length: count }, () => fork(PROGRAM, [String(max)], { env }));
  await Promise.all(workers.map((worker) => answer(worker)));
  return workers;
}

async function tell(workers: readonly ChildProcess[]): Promise<Told[]> {
  return await Promise.all(
    workers.map((worker) => {
      const told = answer<Told>(worker);
      worker.send('stop');
      return told;
    }),
  );
}

async function status(pool: ConnectionPool, name: string): Promise<number> {
  const [[row]] = await pool.query<RowDataPacket[]>('SHOW GLOBAL STATUS LIKE ?', [name]);
  return Number(row?.Value);
}

const refusals = (pool: ConnectionPool) => status(pool, 'Connection_errors_max_connections');

const failures = (told: readonly Told[]) => told.flatMap(({ failed }) => Object.entries(failed));

describe('many processes at one server', () => {
  let server: ThrowawayServer;
  let workers: ChildProcess[] = [];

  afterEach(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await server.stop();
  });

  for (const { processes, max, room } of [
    { processes: 4, max: 20, room: 60 },
    { processes: 6, max: 10, room: 20 },
  ]) {
    it(`${processes} of ${max} connections, room for ${room}: they wait, and nobody fails, a restart included`, async () => {
      server = await startServer({ args: [`--max-connections=${room}`] });
      workers = await start(server, processes, max);
      const admin = createPool({ uri: server.url, max: 1 });
      admin.events.on('warning', () => {});
      await admin.warm();
      for (const worker of workers) worker.send('go');
      await later(1_000);
      await eventually(async () => assert.ok((await refusals(admin)) > 0, 'there is room for all'), 20_000);
      await server.kill();
      await admin.close({ timeoutMs: 0 });
      await later(500);
      await server.restart();
      await later(3_000);
      const told = await tell(workers);
      for (const { succeeded, connections } of told) assert.ok(succeeded > 0 && connections >= 1);
      const pools = `room for ${Math.floor(room / (max + 1))} such pool`;
      assert.ok(
        told.some(({ warnings }) => warnings.some((message) => message.includes(pools))),
        'it is said how many there is room for',
      );
      assert.deepEqual(
        failures(told).filter(([code]) => !CUT_OFF.has(code)),
        [],
      );
      // A connection is lost with the first statement that fails on it, so that each can cut off one, also where that was sent
      // after its server had died: the end lies in the kernel then, behind an answer that was just read, and can't be known.
      // None is cut off on the server that comes after.
      const cutOff = told.map((each) => failures([each]).reduce((sum, [, times]) => sum + times, 0));
      for (const each of cutOff) assert.ok(each <= max, `${each} cut off, on ${max} connections`);
      // The server lets one more in, with all privileges, and one is the test's.
      const all = cutOff.reduce((sum, each) => sum + each, 0);
      assert.ok(all <= room, `${all} cut off, on ${room} connections`);
    });
  }

  it('with room for all of them no attempt to connect is abandoned, and the attempts are bounded', async () => {
    const [processes, max] = [4, 20];
    server = await startServer({ args: ['--max-connections=100'] });
    const proxy = await FaultProxy.open({
      targetPort: Number(new URL(server.url).port),
      random: new Random(1),
    });
    workers = await start({ url: proxy.url(server.url) }, processes, max);
    for (const worker of workers) worker.send('go');
    await later(1_000);
    const killed = performance.now();
    await server.kill();
    await later(500);
    await server.restart();
    await later(2_000);
    const told = await tell(workers);
    const at = proxy.attempts.filter((time) => time >= killed);
    await proxy.close();
    const peak = Math.max(
      ...at.map((from) => at.filter((time) => time >= from && time < from + 1_000).length),
    );
    // While the server is away each may make 25 a second, and then each connection is one.
    assert.ok(peak <= processes * (25 + max), `${peak} attempts in a second`);
    // The look whether the server is up is one.
    const admin = createPool({ uri: server.url, max: 1 });
    assert.ok((await status(admin, 'Aborted_connects').finally(() => admin.close())) <= 1);
    for (const { connections } of told) assert.ok(connections >= 5, `${connections} of 20 connections`);
  });

  it('one that has no connection while others have them all waits, and is told why at its deadline', async () => {
    server = await startServer({ args: ['--max-connections=10'] });
    // The server lets one more in, with all privileges.
    const full = createPool({ uri: server.url, max: 11 });
    const pool = createPool({ uri: server.url, max: 5, acquireTimeoutMs: 1_500 });
    for (const each of [full, pool]) each.events.on('warning', () => {});
    try {
      const leases = await Promise.all(Array.from({ length: 11 }, () => full.acquire()));
      await assert.rejects(pool.query('SELECT 1'), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'OPEN_FAILED');
        assert.match(String((error.cause as Error).message), /Too many connections/);
        return true;
      });
      const waiting = pool.query('SELECT 1');
      for (const lease of leases) lease.release();
      await full.close();
      await waiting;
    } finally {
      await Promise.all([full.close({ timeoutMs: 0 }), pool.close({ timeoutMs: 0 })]);
    }
  });
});
