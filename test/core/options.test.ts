import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { ConnectionPool } from '#core/connection-pool.js';
import type { HandbackError } from '#core/errors.js';
import type { PoolOptions } from '#core/options.js';
import { checkRouteOptions, readPoolOptions } from '#core/read-options.js';
import { TestPool } from './fixture.js';

const URI = 'mysql://user:password@db.example:3306/shop';
const MARK = 'hunter2';

function refusal(options: unknown): HandbackError {
  try {
    readPoolOptions(options as PoolOptions);
  } catch (error) {
    assert.equal((error as HandbackError).code, 'INVALID_OPTION', String(error));
    return error as HandbackError;
  }
  return assert.fail(`accepted: ${inspect(options)}`);
}

/** Each must be refused in a message with all of these words: the option, what was given, what is allowed. */
const REFUSED: readonly [options: Record<string, unknown>, ...words: string[]][] = [
  [{ maximum: 5 }, "'maximum'", 'number', 'Known options', 'max,'],
  [{ Max: 5 }, "'Max'", 'max,'],
  [{ host: 'db' }, "'host'", "Here it is in 'connection': { host: … }", 'Known options'],
  [{ namedPlaceholders: true }, "Here it is in 'connection': { namedPlaceholders: … }"],
  [{ max: '5' }, "'max'", 'string', 'whole number of at least 1'],
  [{ max: 0 }, "'max'", 'number 0', 'at least 1'],
  [{ max: -1 }, "'max'", '-1', 'at least 1'],
  [{ max: 1.5 }, "'max'", 'number 1.5', 'whole number'],
  [{ max: Number.NaN }, "'max'", 'NaN'],
  [{ max: Number.POSITIVE_INFINITY }, "'max'", 'Infinity', 'whole number'],
  [{ max: null }, "'max'", 'null'],
  [{ max: [1] }, "'max'", 'array'],
  [{ maxIdle: -1 }, "'maxIdle'", 'at least 0'],
  [{ maxIdle: 11 }, "'maxIdle'", 'at most max (10)', '11'],
  [{ minIdle: 11 }, "'minIdle'", 'at most max (10)', '11'],
  [{ max: 5, minIdle: 3, maxIdle: 2 }, "'minIdle'", 'at most maxIdle (2)', '3'],
  [{ maxPending: -1 }, "'maxPending'", 'at least 0'],
  [{ queue: 'lifo' as never }, "'queue'", "'adaptive', 'fifo'"],
  [{ maxOpening: 0 }, "'maxOpening'", 'at least 1'],
  [{ acquireTimeoutMs: -1 }, "'acquireTimeoutMs'", 'Infinity', 'milliseconds'],
  [{ acquireTimeoutMs: '5s' }, "'acquireTimeoutMs'", 'string'],
  [{ acquireTimeoutMs: 0.5 }, "'acquireTimeoutMs'", 'whole number'],
  [{ connectTimeoutMs: 0 }, "'connectTimeoutMs'", 'at least 1'],
  [{ idleTimeoutMs: Number.POSITIVE_INFINITY }, "'idleTimeoutMs'", '0 = off'],
  [{ maxLifetimeMs: true }, "'maxLifetimeMs'", 'boolean'],
  [{ drainTimeoutMs: -5 }, "'drainTimeoutMs'", '-5'],
  [{ reuse: 'random' }, "'reuse'", 'string', "'lifo', 'fifo'"],
  [{ releaseOn: 'close' }, "'releaseOn'", "'end', 'finish'"],
  [{ afterResponse: true }, "'afterResponse'", 'boolean', "'allow', 'reject', 'cancel'"],
  [{ strictParams: true }, "'strictParams'", "'context', 'off', 'all'"],
  [{ name: '' }, "'name'", 'non-empty'],
  [{ uri: 5 }, "'uri'", 'number', 'mysql://'],
  [{ uri: 'postgres://a:b@c/d' }, "'uri'", 'postgres:', 'mysql://'],
  [{ uri: 'localhost' }, "'uri'", 'not a URL'],
  [{ uri: '' }, "'uri'"],
  [{ connection: 'mysql://a' }, "'connection'", 'string', 'function'],
  [{ connection: [] }, "'connection'", 'array'],
  [{ uri: undefined }, "'uri'", "'connection'", 'required'],
  [{ uri: URI, connection: () => ({}) }, "'uri'", 'function'],
  [{ uri: undefined, connection: { connectionLimit: 5 } }, "'connection.connectionLimit'", "'max'"],
  [{ uri: undefined, connection: { queueLimit: 5 } }, "'connection.queueLimit'", "'maxPending'"],
  [{ connection: { idleTimeout: 5 } }, "'connection.idleTimeout'", "'idleTimeoutMs'"],
  [{ connection: { maxIdle: 5 } }, "'connection.maxIdle'", "'maxIdle'"],
  [{ connection: { waitForConnections: false } }, "'connection.waitForConnections'", 'acquireTimeoutMs: 0'],
  [{ connection: { connectTimeout: 5 } }, "'connection.connectTimeout'", "'connectTimeoutMs'"],
];

const NOTHING_TO_CONNECT_TO: readonly unknown[] = [undefined, null, 5, [], '', 'shop', {}, () => URI];

describe('pool options', () => {
  for (const [options, ...words] of REFUSED) {
    it(`refused: ${inspect(options)}`, () => {
      const { message } = refusal({ uri: URI, ...options });
      for (const word of words) assert.ok(message.includes(word), `${message} does not say ${word}`);
    });
  }

  for (const options of NOTHING_TO_CONNECT_TO) {
    it(`refused: ${inspect(options)}`, () => {
      refusal(options);
    });
  }

  it('a name of another pool’s option is refused with ours', () => {
    for (const [name, ours] of [
      ['connectionLimit', "'max'"],
      ['pool_recycle', "'maxLifetimeMs'"],
      ['setsession', "'onConnect'"],
      ['ping', '2 and 4 have no equivalent, since a connection may be lost right after a ping as well'],
    ] as const) {
      const { message } = refusal({ uri: URI, [name]: 1 });
      assert.ok(message.includes(`Unknown option '${name}'`) && message.includes(ours), message);
    }
  });

  it('defaults', () => {
    const { source: _source, ...settings } = readPoolOptions(URI);
    assert.deepEqual(settings, {
      name: 'default',
      max: 10,
      maxIdle: 10,
      minIdle: 0,
      idleHandBackMs: undefined,
      acquireTimeoutMs: 5_000,
      maxPending: 10_000,
      queue: 'adaptive',
      idleTimeoutMs: 300_000,
      maxLifetimeMs: 1_800_000,
      maxOpening: 2,
      reuse: 'lifo',
      connectTimeoutMs: 3_000,
      resetTimeoutMs: 3_000,
      drainTimeoutMs: 5_000,
      strictParams: 'context',
      transaction: null,
      releaseOn: 'end',
      afterResponse: 'allow',
      maxIdleGiven: undefined,
      maxUses: 0,
      validate: 'idle',
      validateAfterMs: 500,
      validateTimeoutMs: 1_000,
      onConnect: undefined,
      reset: 'auto',
      onDoubleAcquire: 'warn',
      context: false,
      tag: false,
      behindProxy: false,
      queryTimeoutMs: undefined,
      leakAfterMs: 30_000,
      maxHoldMs: 0,
      log: 0,
    });
  });

  it('are shown as they hold, without what may have a secret in it', async () => {
    const { pool } = new TestPool({
      max: 3,
      connectTimeoutMs: 9_000,
      connection: { password: 'hunter2' },
      onConnect: "SET @key = 'hunter2'",
    });
    const { source, onConnect, transaction, maxIdleGiven, resetTimeoutMs, ...known } = readPoolOptions(URI);
    assert.deepEqual(Object.keys(pool.options).sort(), Object.keys(known).sort());
    const { name, max, maxIdle, connectTimeoutMs, idleTimeoutMs } = pool.options;
    assert.deepEqual(
      [name, max, maxIdle, connectTimeoutMs, idleTimeoutMs],
      ['default', 3, 3, 4_000, 300_000],
    );
    assert.doesNotMatch(JSON.stringify(pool.options), /hunter2/);
    pool.resize({ max: 7 });
    assert.deepEqual([pool.options.max, max], [7, 3]);
    Object.assign(pool.options, { max: 99 });
    assert.equal(pool.stats().max, 7);
  });

  it('show that currentDb() is known in jobs, however it came to be', () => {
    const shown = (pool: ConnectionPool) => pool.options.context;
    assert.deepEqual(
      [{}, { context: true }].map((given) => shown(new TestPool(given).pool)),
      [false, true],
    );
    const { pool } = new TestPool();
    ConnectionPool.nameJobs(pool, 'reporting');
    assert.equal(shown(pool), true);
  });

  it('maxIdle follows max; 0 is 0, and undefined is not given', () => {
    assert.equal(readPoolOptions({ uri: URI, max: 3 }).maxIdle, 3);
    const zero = readPoolOptions({
      uri: URI,
      maxIdle: 0,
      maxPending: 0,
      idleTimeoutMs: 0,
      acquireTimeoutMs: 0,
    });
    assert.deepEqual(
      [zero.maxIdle, zero.maxPending, zero.idleTimeoutMs, zero.acquireTimeoutMs],
      [0, 0, 0, 0],
    );
    assert.equal(readPoolOptions({ uri: URI, max: undefined as never }).max, 10);
  });

  it('connectTimeoutMs stays below the acquire deadline, so that the cause is known', () => {
    for (const acquireTimeoutMs of [1, 10, 100, 1_000, 5_000, 60_000, Number.POSITIVE_INFINITY]) {
      const { connectTimeoutMs } = readPoolOptions({ uri: URI, acquireTimeoutMs });
      assert.ok(connectTimeoutMs >= 1);
      assert.ok(connectTimeoutMs < acquireTimeoutMs || acquireTimeoutMs === 1, `${connectTimeoutMs}`);
    }
  });

  it('the caller’s object is not changed, nor is the connection’s', () => {
    const options = Object.freeze({ uri: URI, connection: Object.freeze({ charset: 'utf8mb4' }) });
    const { source } = readPoolOptions(options);
    assert.deepEqual(source.resolve(), { charset: 'utf8mb4', uri: URI });
  });

  it('a mariadb: uri is one of mysql', () => {
    const { source } = readPoolOptions('mariadb://user:password@db.example/shop');
    assert.deepEqual(source.resolve(), { uri: 'mysql://user:password@db.example/shop' });
  });

  it('route options: known ones only, by name', () => {
    checkRouteOptions({ acquireTimeoutMs: 5, drainTimeoutMs: 5, releaseOn: 'end', afterResponse: 'allow' });
    for (const wrong of [{ max: 5 }, { acquireTimeoutMs: '5' }, null, true, 'off', []]) {
      assert.throws(() => checkRouteOptions(wrong), { code: 'INVALID_OPTION' }, inspect(wrong));
    }
  });

  it('settings, printed in any way, don’t show the password', () => {
    for (const options of [
      { uri: `mysql://user:${MARK}@db.example/shop` },
      { connection: { user: 'user', password: MARK } },
      { connection: () => ({ password: MARK }) },
    ]) {
      const settings = readPoolOptions(options);
      const printed = inspect(settings, { depth: 10, showHidden: true }) + JSON.stringify(settings);
      assert.ok(!printed.includes(MARK), printed);
    }
  });
});

describe('a password in the wrong place', () => {
  const key = fc.constantFrom(
    ...['uri', 'connection', 'name', 'max', 'maxIdle', 'minIdle', 'acquireTimeoutMs', 'reuse', 'releaseOn'],
    ...['afterResponse', 'strictParams', 'user', 'password', 'host', 'url', 'connectionString'],
  );
  const holdsIt = fc.constantFrom<unknown>(
    ...[MARK, [MARK], { password: MARK }, { connectionLimit: MARK }, () => MARK, new Date(0), 5, true, null],
    ...[`mysql://user:${MARK}@db.example`, `postgres://user:${MARK}@db.example`, `//user:${MARK}@db.example`],
    ...[
      `user:${MARK}@db.example/shop`,
      `root:${MARK}@tcp(db.example:3306)/shop`,
      `mysql:user:${MARK}@db.example`,
    ],
    ...[
      `mysql://user:${MARK}@db.example:port/shop`,
      `mysql://user:${MARK}@[db`,
      ` mysql://u:${MARK}@h`,
      `:${MARK}@h`,
    ],
    ...[Object.assign(new Error(MARK), { password: MARK }), Symbol(MARK), new Map([[MARK, MARK]])],
  );

  it('is never in the message, nor in anything else of the error', () => {
    fc.assert(
      fc.property(fc.dictionary(key, holdsIt, { minKeys: 1, maxKeys: 4 }), (options) => {
        try {
          readPoolOptions(options as PoolOptions);
        } catch (error) {
          const printed = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
          assert.ok(!printed.includes(MARK), printed);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('as the whole argument is not shown either', () => {
    fc.assert(
      fc.property(holdsIt, (argument) => {
        try {
          readPoolOptions(argument as string);
        } catch (error) {
          assert.ok(!inspect(error, { depth: 10 }).includes(MARK), inspect(error));
        }
      }),
    );
  });
});
