import assert from 'node:assert/strict';
import mysql from 'mysql2';
import { driverConfig } from '#core/drivers/mysql2-config.js';
import { withoutRoom } from '#core/drivers/mysql2-statements.js';

const { ConnectionConfig } = mysql as unknown as { ConnectionConfig: new (options: object) => object };

type Config = ReturnType<typeof driverConfig> & Record<string, unknown>;
const read = (given: object, poolName = 'p') => driverConfig(given, { poolName }) as Config;

describe('the options as the driver reads them', () => {
  it('are the driver’s own object, and another one for each connection, which it writes into', () => {
    const given = { uri: 'mysql://me:secret@127.0.0.1:3307/shop?timezone=Z', charset: 'latin1' };
    const [first, second] = [read(given), read(given)];
    first.password = 'of another factor';
    first.charsetNumber = 45;
    assert.ok(second instanceof ConnectionConfig);
    const { host, port, user, password, database, timezone, charsetNumber } = second;
    assert.deepEqual(
      { host, port, user, password, database, timezone, charsetNumber },
      {
        ...{ host: '127.0.0.1', port: 3307, user: 'me', password: 'secret', database: 'shop' },
        ...{ timezone: 'Z', charsetNumber: 8 },
      },
    );
    assert.deepEqual(Object.keys(second), Object.keys(new ConnectionConfig({})));
  });

  it('are read again when the object has other ones by then', () => {
    const given: Record<string, unknown> = { host: 'one', password: 'first' };
    read(given);
    given.password = 'second';
    assert.equal(read(given).password, 'second');
    given.database = 'shop';
    assert.equal(read(given).database, 'shop');
    delete given.database;
    assert.equal(read(given).database, undefined);
  });

  it('name the pool that the connection is for', () => {
    const given = { host: 'one' };
    for (const poolName of ['first', 'second']) {
      const { connectAttributes } = read(given, poolName);
      assert.equal((connectAttributes as { handback_pool: string }).handback_pool, poolName);
    }
  });

  it('have a number of prepared statements that the driver is to refuse at once, not when the first one comes', () => {
    for (const given of [-5, 0.5, '100']) {
      const config = read({ maxPreparedStatements: given });
      assert.equal(
        withoutRoom(config, () => config.maxPreparedStatements as never),
        given,
      );
    }
  });

  it('that the driver refuses are refused each time', () => {
    for (let time = 0; time < 2; time++) assert.throws(() => read({ charset: 'nonsense' }), /nonsense/);
  });
});
