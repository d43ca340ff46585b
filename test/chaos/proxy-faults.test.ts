import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { codeOf, FaultStage, lost } from './fault-stage.js';
import { catalogue } from './faults/catalogue.js';
import { noClients } from './faults/stage.js';
import { Random } from './random.js';
import type { FaultName } from './types.js';

describe('the faults of the chaos runs, at the proxy and at the clients', () => {
  const on = new FaultStage();

  const asks = async (count: number) => {
    const codes: string[] = [];
    for (let n = 0; n < count; n++) {
      const connection = await on.connect().catch((error) => codes.push(error.code));
      if (typeof connection === 'number') continue;
      codes.push(await codeOf(on.ask(connection, 'SELECT 1 AS value', 100)));
    }
    return codes;
  };
  const anyOf =
    (...codes: string[]) =>
    async () =>
      void (await eventually(async () => {
        const seen = await asks(1);
        assert.ok(
          seen.some((code) => codes.includes(code)),
          seen.join(),
        );
      }));
  const timedOut = ['ETIMEDOUT', 'PROTOCOL_SEQUENCE_TIMEOUT'];

  const atTheProxy: Array<[FaultName, () => Promise<void>]> = [
    ['blackhole', anyOf(...timedOut)],
    ['blackhole-to-server', anyOf(...timedOut)],
    ['blackhole-to-client', anyOf(...timedOut)],
    ['refuse', anyOf('ECONNREFUSED')],
    ['cut', anyOf(...lost)],
    ['truncate', anyOf(...timedOut)],
  ];
  for (const [name, bites] of atTheProxy) it(name, () => on.during(name, bites));

  for (const name of ['rst', 'fin'] as const) {
    it(name, async () => {
      const connection = await on.connect();
      const { connections } = on.stage.proxy;
      await on.during(name, async () => {
        await on.isKilled(connection);
        await eventually(() => assert.ok(on.stage.proxy.connections < connections));
      });
    });
  }

  it('delay', async () => {
    const connection = await on.connect();
    const start = performance.now();
    await on.during('delay', async () => {
      await on.ask(connection, 'SELECT 1 AS value', 5_000);
      assert.ok(performance.now() - start >= 38);
    });
  });

  it('throttle', async () => {
    const connection = await on.connect();
    await on.during('throttle', async () => {
      const start = performance.now();
      await on.ask(connection, "SELECT REPEAT('x', 8000) AS value", 10_000);
      assert.ok(performance.now() - start >= 190);
    });
  });

  it('duplicate-reply', async () => {
    await on.during('duplicate-reply', async () => {
      for (let connection = await on.connect(); !on.stage.proxy.strikes['duplicate-reply']; ) {
        const answered = await codeOf(on.ask(connection));
        if (answered !== 'no error') connection = await on.connect();
      }
    });
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`swallow-commit (seed ${seed})`, async () => {
      const op = `swallowed ${seed}`;
      const before = on.stage.proxy.strikes['swallow-commit'] ?? 0;
      await on.during(
        'swallow-commit',
        async () => {
          while ((on.stage.proxy.strikes['swallow-commit'] ?? 0) === before) {
            const connection = await on.connect();
            await connection.beginTransaction();
            await connection.query('INSERT INTO ledger (op) VALUES (?)', [op]);
            const code = await codeOf(connection.query({ sql: 'COMMIT', timeout: 100 }));
            assert.ok(['no error', ...lost, ...timedOut].includes(code), code);
          }
        },
        seed,
      );
      assert.ok(
        Number(await on.ask(await on.connect(), `SELECT COUNT(*) AS value FROM ledger WHERE op = '${op}'`)) >=
          1,
      );
    });
  }

  for (const kind of ['client-aborts', 'pipelines', 'half-closes', 'slow-readers'] as const) {
    it(kind, async () => {
      await on.during(kind, async () => assert.deepEqual(on.misbehaving, [kind]));
      assert.deepEqual(on.misbehaving, []);
    });
  }

  it('can not be at the clients when nobody has connected any', async () => {
    const alone = { ...on.stage, clients: noClients };
    await assert.rejects(catalogue.pipelines.inject(alone, new Random(1)), /no clients/);
  });
});
