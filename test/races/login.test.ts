import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import mysql, { type Connection, type ConnectionOptions } from 'mysql2';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, Watched } from './outcome.js';
import { authData, authSwitch, framed, nextFactor } from './peer/packets.js';

const PASSWORD = 'correct horse battery staple';
const REQUEST_KEY = 0x02;
const { publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const KEY = Buffer.from(publicKey);

const wholePassword = authData(Buffer.of(4));

/** What the server says to the login, and then to each answer. */
const PLUGINS: Readonly<
  Record<string, { readonly says: readonly Buffer[]; readonly options?: ConnectionOptions }>
> = {
  mysql_clear_password: {
    says: [framed(authSwitch('mysql_clear_password'), 2)],
    options: { enableCleartextPlugin: true },
  },
  sha256_password: { says: [framed(authSwitch('sha256_password'), 2)] },
  'sha256_password, as the next factor': { says: [framed(nextFactor('sha256_password'), 2)] },
  'mysql_clear_password, as the next factor': {
    says: [framed(nextFactor('mysql_clear_password'), 2)],
    options: { enableCleartextPlugin: true },
  },
  caching_sha2_password: { says: [framed(wholePassword, 2)] },
  'caching_sha2_password, switched to': {
    says: [framed(authSwitch('caching_sha2_password'), 2), framed(wholePassword, 4)],
  },
};

/** The same socket, seen as if it led to another machine. */
function fromAfar(port: number): ConnectionOptions {
  return {
    stream: () =>
      Object.defineProperty(connect(port, '127.0.0.1'), 'remoteAddress', { get: () => '192.0.2.7' }),
  };
}

async function login(
  plugin: string,
  isFar: boolean,
  own: ConnectionOptions,
): Promise<{ outcome: string; cause: Error; answers: Buffer[] }> {
  const race = await RacePool.open({ max: 1 }, (port) => ({
    password: PASSWORD,
    ...PLUGINS[plugin]?.options,
    ...(isFar ? fromAfar(port) : {}),
    ...own,
  }));
  if (plugin === 'caching_sha2_password') race.peer.plugin = plugin;
  const says = [...(PLUGINS[plugin]?.says ?? [])];
  race.peer.distortion = (_session, sql) => (sql === 'login' ? (says.shift() ?? null) : undefined);
  try {
    const first = new Watched('first', askAsNew(race.pool, 'first'));
    await race.settled([first]);
    const answers = race.peer.sessions.flatMap(({ received }) => received.slice(1));
    await race.end();
    return { outcome: outcomes([first]), cause: (first.error as Error)?.cause as Error, answers };
  } finally {
    await race.abandon();
  }
}

describe('a server that asks for the password itself', () => {
  for (const plugin of Object.keys(PLUGINS)) {
    it(`by ${plugin}, over a network that others can read: nothing is answered, and the reason is told`, async () => {
      const { outcome, cause, answers } = await login(plugin, true, {});
      assert.equal(outcome, 'first OPEN_FAILED');
      assert.equal((cause as NodeJS.ErrnoException).code, 'LOGIN_NOT_PRIVATE');
      assert.match(cause.message, new RegExp(plugin.split(',')[0] as string));
      assert.ok(!cause.message.includes(PASSWORD));
      // After a switch a token comes, which tells nothing to those who listen.
      assert.equal(answers.length, (PLUGINS[plugin]?.says.length ?? 0) - 1);
      assert.ok(answers.every((each) => each.length === 4 + 32));
    });
  }

  it('by caching_sha2_password, on this machine: its key is asked for', async () => {
    const { answers } = await login('caching_sha2_password', false, {});
    assert.deepEqual([...(answers[0] ?? [])].slice(4), [REQUEST_KEY]);
  });

  it('by caching_sha2_password, whose answer the application has provided for: its key is used', async () => {
    const authPlugins = {
      caching_sha2_password: mysql.authPlugins.caching_sha2_password({ serverPublicKey: KEY }),
    };
    const { answers } = await login('caching_sha2_password, switched to', true, { authPlugins });
    const [, encrypted = Buffer.alloc(0)] = answers;
    assert.equal(encrypted.length, 4 + 128, 'the password, encrypted with it');
  });

  it('by mysql_clear_password, which is not enabled: nothing is answered, here neither', async () => {
    const { outcome, answers } = await login('mysql_clear_password', false, { enableCleartextPlugin: false });
    assert.equal(outcome, 'first OPEN_FAILED');
    assert.deepEqual(answers, []);
  });

  it('by sha256_password, when the application changes the user: nothing is answered', async () => {
    const race = await RacePool.open({ max: 1 }, (port) => ({ password: PASSWORD, ...fromAfar(port) }));
    let asked = 0;
    race.peer.distortion = (session, sql) => {
      if (sql !== 'CHANGE USER') return undefined;
      asked = session.received.length;
      return framed(authSwitch('sha256_password'), 1);
    };
    try {
      const changing = race.pool.run(async (db) => {
        const raw = (await db.connection()) as unknown as Connection;
        await new Promise((resolve, reject) => {
          raw.changeUser({}, (error) => (error ? reject(error) : resolve(null)));
        });
      });
      const first = new Watched('first', changing);
      await race.settled([first]);
      assert.equal((first.error as NodeJS.ErrnoException).code, 'LOGIN_NOT_PRIVATE');
      assert.ok(asked > 0);
      assert.equal(race.peer.sessions[0]?.received.length, asked);
      await race.end();
    } finally {
      await race.abandon();
    }
  });
});
