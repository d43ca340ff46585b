import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseUrl } from '@handback/contract/support/database.js';
import { eventually } from '@handback/contract/support/eventually.js';
import { createPool, type HandbackError, type PoolOptions } from '@handback/core';
import type { ConnectionOptions, RowDataPacket } from 'mysql2';
import mysql, { type Connection } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { authority, type Certificate, signedBy } from '../support/certificates.js';

const ours = await authority('the authority');
const stranger = await authority('a stranger');
const right = await signedBy(ours, {
  commonName: 'db',
  alternatives: ['db.example', 'localhost', '127.0.0.1'],
});

let directory: string;
let server: ThrowawayServer;
let admin: Connection;

/** From now on the server shows this one. */
async function show({ certificate, key }: Certificate): Promise<void> {
  writeFileSync(join(directory, 'cert.pem'), certificate);
  writeFileSync(join(directory, 'key.pem'), key);
  await admin?.query(/mariadb/i.test(server.version) ? 'FLUSH SSL' : 'ALTER INSTANCE RELOAD TLS');
}

type Ssl = Exclude<ConnectionOptions['ssl'], string | undefined> & { verifyIdentity?: boolean };

function options(host: string, ssl: Ssl = {}): ConnectionOptions {
  const { user, password, port } = server;
  const connection: ConnectionOptions = { host, port, user, password, ssl: { ca: ours.certificate, ...ssl } };
  // A name that no resolver knows.
  if (host.endsWith('.example')) connection.stream = () => connect(port, '127.0.0.1');
  return connection;
}

async function cipherWith(connection: PoolOptions['connection']): Promise<string> {
  const pool = createPool({ connection, max: 1 });
  pool.events.on('warning', () => {});
  try {
    const [rows] = await pool.query<RowDataPacket[]>("SHOW STATUS LIKE 'Ssl_cipher'");
    return rows[0]?.Value;
  } finally {
    await pool.close();
  }
}

async function accepted(connection: PoolOptions['connection']): Promise<void> {
  assert.match(await cipherWith(connection), /\w/, 'not encrypted');
}

async function attempts(): Promise<number> {
  const [rows] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'");
  return Number(rows[0]?.Value);
}

async function refused(connection: PoolOptions['connection'], cause: RegExp): Promise<void> {
  await assert.rejects(cipherWith(connection), (error: HandbackError) => {
    assert.equal(error.code, 'OPEN_FAILED');
    assert.match((error.cause as Error).message, cause);
    assert.ok(!JSON.stringify(error).includes('example'), 'the public sees names');
    return true;
  });
}

describe('TLS', () => {
  before(async function () {
    this.timeout(60_000);
    directory = mkdtempSync(join(tmpdir(), 'handback-tls-'));
    await show(right);
    const args = ['cert', 'key'].map((name) => `--ssl-${name}=${join(directory, `${name}.pem`)}`);
    server = await startServer({ args });
    admin = await mysql.createConnection(server.url);
  });
  after(async () => {
    await admin?.end();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => show(right));

  it('a certificate for the name, or the address, is accepted', async () => {
    for (const host of ['localhost', 'db.example', '127.0.0.1']) await accepted(options(host));
  });

  it('one for another host is refused, although the authority is the right one; the cause names both', async () => {
    await show(await signedBy(ours, { commonName: 'evil.example' }));
    await refused(options('db.example'), /db\.example.*evil\.example/s);
    await refused(options('127.0.0.1'), /127\.0\.0\.1.*CN evil\.example/s);
    await show(await signedBy(ours, { commonName: 'db.example', alternatives: ['other.example'] }));
    await refused(options('db.example'), /db\.example.*other\.example/s);
  });

  it('an address is not localhost: only an address in the certificate will do', async () => {
    await show(await signedBy(ours, { commonName: 'localhost', alternatives: ['localhost'] }));
    await accepted(options('localhost'));
    await refused(options('127.0.0.1'), /127\.0\.0\.1.*CN localhost, DNS:localhost/s);
    await refused(options('127.0.0.1', { verifyIdentity: true }), /127\.0\.0\.1/);
    await show(await signedBy(ours, { commonName: '127.0.0.1' }));
    await refused(options('127.0.0.1'), /127\.0\.0\.1/);
    await show(await signedBy(ours, { commonName: 'x', alternatives: ['127.0.0.2'] }));
    await refused(options('127.0.0.1'), /127\.0\.0\.1.*127\.0\.0\.2/s);
    await show(await signedBy(ours, { commonName: 'x', alternatives: ['127.0.0.1'] }));
    await accepted(options('127.0.0.1'));
  });

  it('a session that is resumed is checked again, and stays good for a good server', async () => {
    const connection = options('127.0.0.1');
    for (let round = 0; round < 3; round++) await accepted(connection);
    await show(await signedBy(ours, { commonName: 'localhost', alternatives: ['localhost'] }));
    const bad = options('127.0.0.1');
    for (let round = 0; round < 3; round++) await refused(bad, /127\.0\.0\.1/);
  });

  it('an authority that is not ours, an expired certificate: refused', async () => {
    await show(await signedBy(stranger, { commonName: 'x', alternatives: ['db.example', '127.0.0.1'] }));
    for (const host of ['db.example', '127.0.0.1'])
      await refused(options(host), /issuer|self.signed|verify/i);
    const alternatives = ['db.example', '127.0.0.1'];
    await show(await signedBy(ours, { commonName: 'x', alternatives, expired: true }));
    for (const host of ['db.example', '127.0.0.1']) await refused(options(host), /expired/);
  });

  it('no account and no password reach a server that is refused', async () => {
    await show(await signedBy(ours, { commonName: 'evil.example' }));
    const before = await attempts();
    for (const host of ['db.example', '127.0.0.1']) {
      await refused({ ...options(host), password: 'wrong' }, /evil\.example/);
    }
    assert.equal(await attempts(), before);
  });

  it('a server without TLS is refused where it was asked for: no downgrade', async () => {
    await refused({ uri: databaseUrl(), ssl: { ca: ours.certificate } }, /does not support secure/);
    await refused({ uri: databaseUrl(), ssl: { rejectUnauthorized: false } }, /does not support secure/);
  });

  it('verifyIdentity: false is heeded, by name and by address', async () => {
    await show(await signedBy(ours, { commonName: 'evil.example' }));
    for (const host of ['db.example', '127.0.0.1']) {
      await accepted(options(host, { verifyIdentity: false }));
      await accepted(options(host, { rejectUnauthorized: false }));
    }
  });

  it('options in the uri, and from a function, are checked the same', async () => {
    await show(await signedBy(ours, { commonName: 'localhost', alternatives: ['localhost'] }));
    await refused(() => options('127.0.0.1'), /127\.0\.0\.1/);
    const uri = `${server.url}?ssl=${encodeURIComponent(JSON.stringify({ ca: ours.certificate }))}`;
    const pool = createPool({ uri });
    pool.events.on('warning', () => {});
    await assert.rejects(pool.query('SELECT 1'), { code: 'OPEN_FAILED' });
    await pool.close();
    await accepted({ uri: uri.replace('@127.0.0.1', '@localhost'), host: 'localhost' });
  });

  it('over a unix socket the name is `host`, which is localhost unless given', async () => {
    const { ssl, user, password } = options('localhost');
    const bySocket = { ssl, user, password, socketPath: server.socketPath } as ConnectionOptions;
    await accepted(bySocket);
    await show(await signedBy(ours, { commonName: 'evil.example' }));
    await refused(bySocket, /localhost.*evil\.example/s);
  });

  it('the control connection checks too: no KILL goes to a server that is another one now', async () => {
    const pool = createPool({ connection: options('db.example'), max: 1 });
    pool.events.on('warning', () => {});
    const evicted: string[] = [];
    pool.events.on('evict', ({ detail }) => evicted.push(detail));
    const killed = async () => {
      const [rows] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Com_kill'");
      return Number(rows[0]?.Value);
    };
    try {
      await pool.query('SELECT 1');
      const before = await killed();
      await assert.rejects(pool.query({ sql: 'SELECT SLEEP(30)', timeout: 10 }), { code: 'QUERY_TIMEOUT' });
      await eventually(async () => assert.equal(await killed(), before + 1));
      await eventually(() => assert.equal(pool.stats().idle, 1));
      const lease = await pool.acquire();
      await show(await signedBy(ours, { commonName: 'evil.example' }));
      // The control connection stays for seconds: a new one is needed.
      await admin.query(`KILL ${await controlThread()}`);
      const slow = lease.query({ sql: 'SELECT SLEEP(5)', timeout: 10 });
      await assert.rejects(slow, { code: 'QUERY_TIMEOUT' });
      await eventually(() => assert.equal(evicted.length, 1));
      assert.equal(await killed(), before + 2, 'ours, of the control connection, is the second');
    } finally {
      await show(right);
      await pool.close();
    }
  }).timeout(60_000);
});

/** Of the two connections that sleep the younger one: the pool's was opened first. */
async function controlThread(): Promise<number> {
  const [rows] = await admin.query<RowDataPacket[]>(
    "SELECT MAX(ID) AS id FROM information_schema.PROCESSLIST WHERE COMMAND = 'Sleep'",
  );
  return rows[0]?.id;
}
