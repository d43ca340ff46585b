import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '@handback/contract/support/eventually.js';
import type { Connection } from 'mysql2/promise';
import { handback } from '../handback.js';
import { type Account, Clinic, textOf } from './clinic.js';

const MAX = 12;

/** Makes the condition, sees it; removes it, sees it gone. */
describe('doctor: connections', () => {
  let clinic: Clinic;
  let shop: Account;
  before(async function () {
    clinic = await Clinic.open(this, `--max-connections=${MAX}`);
    shop = await clinic.account('shop');
  });
  afterEach(() => clinic?.discharge());
  after(() => clinic?.close());

  async function open(count: number, account = shop): Promise<Connection[]> {
    return await Promise.all(Array.from({ length: count }, () => clinic.connect({ ...account })));
  }

  /** The server learns of the end of a session in its own time. */
  async function gone(id: string, meanwhile?: () => Promise<void>): Promise<void> {
    await eventually(async () => {
      const { severity } = await clinic.examine(meanwhile ? { meanwhile } : {});
      assert.equal(severity(id), 'ok');
    });
  }

  it('says how far the server is from max_connections', async () => {
    await gone('connections-now');
    await open(8);
    const near = await clinic.examine();
    assert.equal(near.severity('connections-now'), 'warning');
    assert.match(
      textOf(near.finding('connections-now')),
      /Threads_connected 9 .* of max_connections 12: 75 %/,
    );
    await open(2);
    assert.equal((await clinic.examine()).severity('connections-now'), 'critical');
    await clinic.discharge();
    await gone('connections-now');
  });

  it('says how near it ever was, and whether anybody was refused', async () => {
    await eventually(async () => {
      await clinic.sql('FLUSH STATUS');
      assert.equal((await clinic.examine()).severity('connections-high-water'), 'ok');
    });
    await open(MAX);
    await clinic.connect();
    await assert.rejects(clinic.connect({ ...shop }), { code: 'ER_CON_COUNT_ERROR' });
    await clinic.discharge();
    await gone('connections-now');
    const { finding } = await clinic.examine();
    assert.equal(finding('connections-high-water')?.severity, 'warning');
    assert.match(textOf(finding('connections-high-water')), /the limit was reached: 1 attempt/);
    await clinic.sql('FLUSH STATUS');
    assert.equal((await clinic.examine()).severity('connections-high-water'), 'ok');
  });

  it('calls it a finding when the server is full, and lets an administrator in', async () => {
    await open(MAX);
    const refused = await handback(['doctor', clinic.url(shop), '--json']);
    assert.equal(refused.code, 1, refused.stderr);
    const [first, ...others] = JSON.parse(refused.stdout).findings;
    assert.deepEqual([first.id, first.severity], ['refused', 'critical']);
    assert.match(textOf(first), /extra_port/);
    const sockets = others.find(({ id }: { id: string }) => id === 'client-sockets');
    assert.match(sockets.evidence.join(), new RegExp(`\\(pid ${process.pid}\\): ${MAX} ESTABLISHED`));

    assert.equal((await clinic.examine()).severity('connections-now'), 'critical');
    await clinic.discharge();
    await eventually(async () => {
      const { stdout } = await handback(['doctor', clinic.url(shop), '--json', '--sample', '0']);
      assert.ok(!JSON.parse(stdout).findings.some(({ id }: { id: string }) => id === 'refused'));
    });
  });

  it('knows the account’s own limit', async () => {
    const limited = await clinic.account('limited', 'WITH MAX_USER_CONNECTIONS 4');
    await open(3, limited);
    const full = await clinic.examine({ account: limited });
    assert.equal(full.severity('account-limit'), 'critical');
    assert.match(textOf(full.finding('account-limit')), /max_user_connections 4, in use 4: 100 %/);
    await eventually(() => open(1, limited));
    const { code, stdout } = await handback(['doctor', clinic.url(limited), '--json']);
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout).findings[0].id, 'refused');
    await clinic.discharge();
    await eventually(async () => {
      const { severity } = await clinic.examine({ account: limited });
      assert.equal(severity('account-limit'), 'ok');
    });
    assert.equal((await clinic.examine()).finding('account-limit'), undefined, 'no limit of its own');
  });

  it('says who has them, by user and host, and who sleeps longest', async () => {
    await eventually(async () => {
      assert.equal((await clinic.examine()).finding('sleepers')?.title, 'nobody sleeps');
    });
    const [first, second] = await open(2);
    const flags = ['--sleep-after', '0'];
    const asleep = await eventually(async () => {
      const examined = await clinic.examine({ flags });
      assert.equal(examined.finding('sleepers')?.evidence.length, 2);
      return examined;
    });
    assert.equal(asleep.severity('sleepers'), 'warning');
    const text = textOf(asleep.finding('sleepers'));
    assert.match(text, new RegExp(`#${first?.threadId} shop@127\\.0\\.0\\.1:\\d+.*asleep for`));
    assert.ok(asleep.picture.unseen.some(({ why }) => /performance_schema is OFF/.test(why)));
    assert.equal((await clinic.examine()).severity('sleepers'), 'ok', 'not for ten minutes yet');
    await Promise.all([first?.end(), second?.end()]);
    await gone('sleepers');
    assert.equal((await clinic.examine({ flags })).severity('sleepers'), 'ok');
  });

  it('finds clients that go without a goodbye, while they do', async () => {
    const cut = async () => {
      const connection = await clinic.connect();
      await connection.query('SELECT 1');
      connection.destroy();
      await eventually(async () => {
        const [row] = await clinic.sql(
          `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID = ${connection.threadId}`,
        );
        assert.equal(row?.n, 0);
      });
    };
    const { finding } = await clinic.examine({ meanwhile: cut });
    assert.equal(finding('aborted-clients')?.severity, 'warning');
    assert.match(textOf(finding('aborted-clients')), /in the last 1 s: 1/);
    await gone('aborted-clients', async () => {});
  });

  it('finds connections that do not log in', async () => {
    const { host, port } = clinic.server;
    const sockets = Array.from({ length: 5 }, () => connect({ host, port }));
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'data')));
      const { finding } = await clinic.examine();
      assert.equal(finding('logins')?.severity, 'warning');
      assert.match(textOf(finding('logins')), /^5 connections not logged in yet/);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await gone('logins');
  });

  it('finds attempts that fail, while they do', async () => {
    const wrong = () =>
      assert.rejects(clinic.connect({ password: 'wrong' }), { code: 'ER_ACCESS_DENIED_ERROR' });
    const { severity } = await clinic.examine({ meanwhile: wrong });
    assert.equal(severity('aborted-connects'), 'warning');
    await gone('aborted-connects', async () => {});
  });

  it('finds a connection for each request', async () => {
    const each = async () => {
      for (let request = 0; request < 20; request += 1) await clinic.sql('SELECT 1');
    };
    const { finding } = await clinic.examine({ meanwhile: each });
    assert.equal(finding('connection-rate')?.severity, 'warning');
    assert.match(textOf(finding('connection-rate')), /^20\.0 new connections per second/);
    await gone('connection-rate', async () => {});
  });
});
