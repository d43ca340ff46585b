import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Account, withAccount } from '@handback/contract/support/account.js';
import { type Bank, databaseUrl, withBank } from '@handback/contract/support/database.js';
import { eventually, within } from '@handback/contract/support/eventually.js';
import { RawClient } from '@handback/contract/support/raw-client.js';
import { ServerWatcher } from '@handback/contract/support/server-watcher.js';
import { createConnection, type RowDataPacket } from 'mysql2/promise';

const PROGRAM = fileURLToPath(new URL('./programs/bank.js', import.meta.url));
const FRAMEWORKS = ['fastify', 'express', 'koa', 'http'];
const CLIENTS = 8;
/** For how long may still be answered after the signal: beyond what the test waits, and too little for a long transfer. */
const LONG_GRACE_MS = 60_000;
const SHORT_GRACE_MS = 200;
/** The whole shutdown: the grace, a drain (0.5 s in the program), and the end of a process on a busy machine. */
const DEADLINE_MS = 10_000;

/** How the transaction of a transfer begins: by `transaction(fn)`, by hand, as the request's own. */
const WAYS = ['/transfer?', '/transfer?byHand&', '/gated?'];

interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

interface Process {
  port: number;
  process: ChildProcess;
  exit: Promise<Exit>;
}

async function start(
  framework: string,
  { url }: Account,
  { table }: Bank,
  graceMs: number,
): Promise<Process> {
  const env = { ...process.env, DATABASE_URL: url, TABLE: table };
  const child = spawn(process.execPath, [PROGRAM, framework, String(graceMs)], { env });
  const stderr = text(child.stderr as Readable);
  const exit = once(child, 'exit').then(async ([code, signal]) => ({ code, signal, stderr: await stderr }));
  const lines = createInterface({ input: child.stdout as Readable });
  const first = Promise.race([
    once(lines, 'line'),
    exit.then(({ stderr }) => assert.fail(`it ended before it listened: ${stderr}`)),
  ]);
  const [line] = await within(20_000, 'the program’s port', first);
  return { port: Number(line), process: child, exit };
}

/** What the clients were told was done. */
class Acknowledged {
  readonly ids: string[] = [];
  sent = 0;

  /** One transfer after the other on one connection, until the server takes no more. */
  async order(port: number, client: number): Promise<void> {
    for (;;) {
      const connection = await RawClient.connect(port).catch(() => null);
      if (!connection) return;
      await this.#orderOn(connection, client);
      connection.leave('FIN');
    }
  }

  async #orderOn(connection: RawClient, client: number): Promise<void> {
    for (;;) {
      const id = `${client}-${++this.sent}`;
      const byHand = this.sent % 2 === 0 ? '&byHand' : '';
      connection.send([
        `/transfer?id=${id}&amount=${1 + (this.sent % 5)}&pause=${(client % 3) / 100}${byHand}`,
      ]);
      const answer = await connection.receive().catch(() => null);
      if (!answer) return;
      if (answer.status === 200) this.ids.push(JSON.parse(answer.body.toString()).done);
      if (answer.headers.connection === 'close') return;
    }
  }
}

interface Booked {
  id: string;
  amount: number;
}

/** A bank whose transfers are written down, an account for its process alone, and the server's word on both. */
async function withLedger(
  work: (tools: {
    bank: Bank;
    account: Account;
    watcher: ServerWatcher;
    ledger: () => Promise<Booked[]>;
  }) => Promise<void>,
): Promise<void> {
  await withBank((bank) =>
    withAccount('', async (account) => {
      const connection = await createConnection(databaseUrl());
      const watcher = await ServerWatcher.open();
      const name = `${bank.table}_ledger`;
      try {
        await connection.query(
          `CREATE TABLE ${name} (id VARCHAR(40) PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB`,
        );
        const ledger = async () => {
          const [rows] = await connection.query<RowDataPacket[]>(`SELECT id, amount FROM ${name}`);
          return rows as unknown as Booked[];
        };
        await work({ bank, account, watcher, ledger });
      } finally {
        await connection.query(`DROP TABLE IF EXISTS ${name}`);
        await connection.end();
        await watcher.close();
      }
    }),
  );
}

/** Both halves of every booked transfer, and nothing else. */
async function assertBalanced(bank: Bank, booked: Booked[]): Promise<void> {
  const moved = booked.reduce((sum, { amount }) => sum + amount, 0);
  assert.deepEqual([await bank.balance(1), await bank.balance(2)], [1_000 - moved, 1_000 + moved]);
}

for (const framework of FRAMEWORKS) {
  describe(`SIGTERM on ${framework}`, () => {
    it('under load: no acknowledged transfer is lost, none is done by half, and the process ends by itself', async () => {
      await withLedger(async ({ bank, account, watcher, ledger }) => {
        const { port, process: child, exit } = await start(framework, account, bank, LONG_GRACE_MS);
        try {
          const acknowledged = new Acknowledged();
          const clients = Array.from({ length: CLIENTS }, (_, client) => acknowledged.order(port, client));
          await eventually(() => assert.ok(acknowledged.ids.length >= 40), 15_000);
          child.kill('SIGTERM');
          const end = await within(DEADLINE_MS, `the exit of ${framework}`, exit);
          await Promise.all(clients);
          assert.deepEqual(end, { code: 0, signal: null, stderr: '' });
          const booked = await ledger();
          const ids = new Set(booked.map(({ id }) => id));
          assert.deepEqual(
            acknowledged.ids.filter((id) => !ids.has(id)),
            [],
            'acknowledged and lost',
          );
          assert.equal(new Set(acknowledged.ids).size, acknowledged.ids.length, 'acknowledged twice');
          await assertBalanced(bank, booked);
          await eventually(async () => assert.deepEqual(await watcher.threadsOf(account.name), []));
        } finally {
          child.kill('SIGKILL');
          await exit;
        }
      });
    }).timeout(60_000);

    for (const how of WAYS) {
      it(`a transfer (${how}…) that outlasts the deadline is rolled back`, async () => {
        await withLedger(async ({ bank, account, watcher, ledger }) => {
          const { port, process: child, exit } = await start(framework, account, bank, SHORT_GRACE_MS);
          try {
            const client = await RawClient.connect(port);
            client.send([`${how}id=long&amount=7&pause=60`]);
            const answer = client.receive(30_000).then(
              ({ status }) => status,
              () => 'cut off',
            );
            await eventually(async () => {
              const [thread] = (await watcher.threadsOf(account.name)).filter((each) => each.statement);
              assert.match(thread?.statement ?? '', /SLEEP/);
            });
            child.kill('SIGTERM');
            const end = await within(DEADLINE_MS, `the exit of ${framework}`, exit);
            assert.deepEqual([end.code, end.signal], [0, null]);
            assert.equal(await answer, 'cut off');
            assert.deepEqual(await ledger(), []);
            await assertBalanced(bank, []);
            await eventually(async () => assert.deepEqual(await watcher.threadsOf(account.name), []));
          } finally {
            child.kill('SIGKILL');
            await exit;
          }
        });
      }).timeout(60_000);
    }
  });
}
