import { strict as assert } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { passwordFor } from '#cli/password.js';
import { PRIVATE_LOGIN } from '#cli/private-login.js';
import { parseTarget } from '#cli/target.js';

class Keyboard extends PassThrough {
  readonly isTTY = true;
  readonly modes: boolean[] = [];

  setRawMode(mode: boolean): this {
    this.modes.push(mode);
    return this;
  }
}

const url = 'mysql://user@host:3307/shop';

describe('the password of a command', () => {
  it('is the url’s, then HANDBACK_PASSWORD, then MYSQL_PWD', async () => {
    const env = { HANDBACK_PASSWORD: 'first', MYSQL_PWD: 'second' };
    const of = (given: string, from: NodeJS.ProcessEnv) =>
      passwordFor(parseTarget(given), { env: from, input: new PassThrough() });
    assert.equal(await of('mysql://user:a%40b@host/', env), 'a@b');
    assert.equal(await of('mysql://user:@host/', env), '', 'none, as the url says');
    assert.equal(await of(url, env), 'first');
    assert.equal(await of(url, { MYSQL_PWD: 'second' }), 'second');
    assert.equal(await of(url, {}), '', 'nobody to ask');
  });

  it('is asked for on a terminal, and not shown there', async () => {
    const input = new Keyboard();
    let shown = '';
    const output = { write: (text: string) => (shown += text) };
    const asked = passwordFor(parseTarget(url), { env: {}, input, output });
    input.write('s3x\u007fcret\r');
    assert.equal(await asked, 's3cret');
    assert.match(shown, /^Password of user@host:3307 .*: \n$/);
    assert.deepEqual(input.modes, [true, false], 'the terminal is as it was');
  });

  it('is in nothing that could be printed', () => {
    const target = parseTarget('mariadb://user:s3cret@host/shop?ssl=true');
    assert.doesNotMatch(inspect(target, { depth: 9 }) + JSON.stringify(target), /s3cret/);
    assert.deepEqual([target.label, target.database], ['user@host:3306', 'shop']);
    assert.deepEqual(target.ssl, { verifyIdentity: true });
  });

  for (const plugin of ['caching_sha2_password', 'sha256_password'] as const) {
    it(`is not given by ${plugin} to whoever sends a key from elsewhere`, () => {
      const { publicKey } = generateKeyPairSync('rsa', {
        modulusLength: 1024,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
      const login = (remoteAddress: string) => {
        const connection = { config: { password: 's3cret' }, stream: { remoteAddress } };
        const answer = PRIVATE_LOGIN[plugin]?.({ connection, command: '' } as never) as (
          data: Buffer,
        ) => unknown;
        answer(Buffer.alloc(21, 7));
        if (plugin === 'caching_sha2_password') answer(Buffer.of(4));
        return answer(Buffer.from(publicKey));
      };
      assert.throws(() => login('192.0.2.7'), /it was not sent; use TLS/);
      assert.ok(Buffer.isBuffer(login('127.0.0.1')));
      assert.ok(Buffer.isBuffer(login('::ffff:127.0.0.1')));
    });
  }
});
