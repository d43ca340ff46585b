import { strict as assert } from 'node:assert';
import type { Connection } from 'mysql2/promise';
import { poolsOf } from '#cli/doctor/application.js';
import { type Account, Clinic, type Examined, textOf } from './clinic.js';

const MAX = 100;

describe('doctor: whose connections the budget counts', () => {
  let clinic: Clinic;
  let shop: Account;
  let operator: Account;
  before(async function () {
    clinic = await Clinic.open(this, `--max-connections=${MAX}`);
    shop = await clinic.account('shop');
    operator = await clinic.account('operator');
    await clinic.sql("GRANT PROCESS ON *.* TO 'operator'@'127.0.0.1'");
  });
  afterEach(() => clinic?.discharge());
  after(() => clinic?.close());

  const flags = ['--processes', '8', '--max', '9'];

  function open(count: number, account: Account): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => clinic.connect({ ...account })));
  }

  function text({ finding }: Examined): string {
    return textOf(finding('connection-budget'));
  }

  it('takes all but the pools’ own from what is usable', async () => {
    await open(3, shop);
    await open(2, operator);
    assert.match(text(await clinic.examine({ account: shop, flags })), /not all are seen/);
    await clinic.sql("GRANT PROCESS ON *.* TO 'shop'@'127.0.0.1'");
    const seen = await clinic.examine({ account: shop, flags });
    assert.match(text(seen), /100 - 10 % for others and the operator - 2 of other users now = 88/);
  });

  it('knows the pools’ account from --pool-user, when another one asks', async () => {
    await open(3, shop);
    const guess = text(await clinic.examine({ account: operator, flags }));
    assert.match(guess, /- 3 of other users now \(nobody else is connected as operator: --pool-user says/);
    const told = await clinic.examine({ account: operator, flags: [...flags, '--pool-user', 'shop'] });
    assert.match(text(told), /- 0 of other users now = 90/);
  });

  it('knows it from the application, whose connections are not others’', async () => {
    const [first] = await open(3, shop);
    const stats = { max: 9, leased: 0 };
    const connections = [{ threadId: first?.threadId, state: 'idle' }];

    const told = await clinic.examine({ account: operator, flags, pools: poolsOf({ stats, connections }) });
    assert.match(text(told), /- 0 of other users now = 90/);
    const elsewhere = [{ threadId: 999_999, state: 'idle' }];
    const unknown = await clinic.examine({
      account: operator,
      flags,
      pools: poolsOf({ stats, connections: elsewhere }),
    });
    assert.match(text(unknown), /- 3 of other users now/);
  });

  it('goes by the limit of the pools’ account, and not of the one that asks', async () => {
    const few = await clinic.account('few', 'WITH MAX_USER_CONNECTIONS 5');
    assert.match(text(await clinic.examine({ account: few, flags })), /> max_user_connections 5$/m);
    const asked = await clinic.examine({ account: few, flags: [...flags, '--pool-user', 'shop'] });
    assert.match(text(asked), /<= max_connections 100$/m);
  });

  it('adds up the pools of a process', async () => {
    const pools = poolsOf({
      pools: { db: { max: 9, leased: 0 }, reporting: { max: 4, leased: 0 } },
    });
    const both = await clinic.examine({ flags: ['--processes', '8'], pools });
    assert.equal(both.severity('connection-budget'), 'critical');
    assert.match(
      text(both),
      /db \(9 \+ 1 control connection\) \+ reporting \(4 \+ 1 control connection\) = 15 per process/,
    );
    assert.match(text(both), /8 x 15 = 120 > max_connections 100/);
    assert.match(text(both), /the max of all pools of a process together 9: \(90 \/ 8\) - 2, rounded down/);
    assert.equal(
      (await clinic.examine({ flags: ['--processes', '6'], pools })).severity('connection-budget'),
      'ok',
    );
    assert.match(text(await clinic.examine({ pools })), /room for 6 processes with such pools/);
  });

  it('knows its own account by the server’s list, where the account has another name', async () => {
    await clinic.sql("CREATE USER ''@'127.0.0.1' IDENTIFIED BY 'any' WITH MAX_USER_CONNECTIONS 10");
    const account = { user: 'whoever', password: 'any' };
    await open(3, account);
    const { finding } = await clinic.examine({ account });
    assert.match(textOf(finding('account-limit')), /in use 4: 40 %/);
    await clinic.discharge();
    await clinic.sql("DROP USER ''@'127.0.0.1'");
  });
});
