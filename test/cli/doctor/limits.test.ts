import { strict as assert } from 'node:assert';
import { poolsOf } from '#cli/doctor/application.js';
import { Clinic, textOf } from './clinic.js';

/** Makes the condition, sees it; removes it, sees it gone. */
describe('doctor: limits and timeouts against the options of the pools', () => {
  let clinic: Clinic;
  before(async function () {
    clinic = await Clinic.open(this);
  });
  after(() => clinic?.close());

  it('adds up what all processes may open', async () => {
    await clinic.sql('SET GLOBAL max_connections = 1600');
    const tooMany = await clinic.examine({ flags: ['--processes', '20x32', '--max', '200'] });
    assert.equal(tooMany.severity('connection-budget'), 'critical');
    const text = textOf(tooMany.finding('connection-budget'));
    assert.match(text, /20x32 = 640 x 201 = 128,640 > max_connections 1,600/);
    assert.match(text, /max 1: \(1,440 \/ 640\) - 1/);

    const advised = await clinic.examine({ flags: ['--processes', '20x32', '--max', '1'] });
    assert.equal(advised.severity('connection-budget'), 'ok');
    const tight = await clinic.examine({ flags: ['--processes', '150', '--max', '9'] });
    assert.equal(tight.severity('connection-budget'), 'warning', '1500 of 1600 leave less than a tenth');
  });

  it('says how many processes there is room for, when nobody says how many there are', async () => {
    await clinic.sql('SET GLOBAL max_connections = 151');
    const { finding } = await clinic.examine();
    assert.equal(finding('connection-budget')?.severity, 'info');
    assert.match(textOf(finding('connection-budget')), /151 \/ 11 = 13/);
    assert.match(textOf(finding('connection-budget')), /assumed/);
    assert.equal(
      (await clinic.examine({ flags: ['--max', '500'] })).severity('connection-budget'),
      'critical',
    );
  });

  it('holds the idle timeout against wait_timeout', async () => {
    await clinic.sql('SET GLOBAL wait_timeout = 60');
    const short = await clinic.examine();
    assert.equal(short.severity('idle-timeout'), 'warning');
    assert.match(textOf(short.finding('idle-timeout')), /300000.* > 25 % of 60000|60000 - 45000 = 15000/);
    assert.equal(
      (await clinic.examine({ flags: ['--idle-timeout', '15000'] })).severity('idle-timeout'),
      'ok',
    );
    assert.equal(
      (await clinic.examine({ flags: ['--idle-timeout', '0'] })).severity('idle-timeout'),
      'warning',
    );
    await clinic.sql('SET GLOBAL wait_timeout = 28800');
    assert.equal((await clinic.examine()).severity('idle-timeout'), 'ok');
  });

  it('holds the query timeout against the server’s own', async () => {
    await clinic.sql('SET GLOBAL max_statement_time = 10');
    const short = await clinic.examine();
    assert.equal(short.severity('statement-timeout'), 'warning');
    assert.match(textOf(short.finding('statement-timeout')), /10 s = 10000 ms < queryTimeoutMs 30000/);
    assert.equal(
      (await clinic.examine({ flags: ['--query-timeout', '9000'] })).severity('statement-timeout'),
      'ok',
    );
    await clinic.sql('SET GLOBAL max_statement_time = 0');
    assert.equal((await clinic.examine()).severity('statement-timeout'), 'ok');
  });

  it('holds it against the waits for locks too', async () => {
    await clinic.sql('SET GLOBAL innodb_lock_wait_timeout = 50');
    assert.equal((await clinic.examine()).severity('lock-timeouts'), 'info');
    await clinic.sql('SET GLOBAL innodb_lock_wait_timeout = 10');
    assert.equal((await clinic.examine()).severity('lock-timeouts'), 'ok');
    const endless = { flags: ['--query-timeout', '0'] };
    assert.equal((await clinic.examine(endless)).severity('lock-timeouts'), 'warning');
    await clinic.sql('SET GLOBAL lock_wait_timeout = 60');
    assert.equal((await clinic.examine(endless)).severity('lock-timeouts'), 'ok');
  });

  it('knows MariaDB’s timeouts of sessions that sleep in a transaction', async () => {
    assert.equal((await clinic.examine()).finding('idle-transaction-timeout'), undefined);
    await clinic.sql('SET GLOBAL idle_write_transaction_timeout = 5');
    const tight = await clinic.examine();
    assert.equal(tight.severity('idle-transaction-timeout'), 'warning');
    assert.match(textOf(tight.finding('idle-transaction-timeout')), /idle_write_transaction_timeout 5 s/);
    await clinic.sql('SET GLOBAL idle_write_transaction_timeout = 60');
    assert.equal((await clinic.examine()).severity('idle-transaction-timeout'), 'ok');
    await clinic.sql('SET GLOBAL idle_write_transaction_timeout = 0');
    assert.equal((await clinic.examine()).finding('idle-transaction-timeout'), undefined);
  });

  it('finds timeouts of the connection that contradict each other', async () => {
    assert.equal((await clinic.examine()).severity('network-timeouts'), 'ok');
    await clinic.sql('SET GLOBAL net_write_timeout = 2', 'SET GLOBAL connect_timeout = 2');
    const short = await clinic.examine();
    assert.equal(short.severity('network-timeouts'), 'warning');
    assert.match(
      textOf(short.finding('network-timeouts')),
      /connect_timeout of 3 s or more.*net_write_timeout of 10 s/,
    );
    await clinic.sql('SET GLOBAL net_write_timeout = 60', 'SET GLOBAL connect_timeout = 10');
    assert.equal((await clinic.examine()).severity('network-timeouts'), 'ok');
    const late = await clinic.examine({ flags: ['--connect-timeout', '5000'] });
    assert.match(textOf(late.finding('network-timeouts')), /connectTimeoutMs below acquireTimeoutMs/);
  });

  it('tells a timeout that is off from one that is short', async () => {
    const off = await clinic.examine({ flags: ['--query-timeout', '0', '--idle-timeout', '0'] });
    assert.equal(off.severity('statement-timeout'), 'info');
    assert.match(textOf(off.finding('statement-timeout')), /^nobody ends statements/);
    assert.match(textOf(off.finding('lock-timeouts')), /ms, and queryTimeoutMs 0 = none/);
    assert.doesNotMatch(
      off.finding('idle-timeout')?.change ?? '',
      /wait_timeout/,
      'no wait_timeout is long enough',
    );
    await clinic.sql('SET GLOBAL max_statement_time = 10');
    const { finding } = await clinic.examine({ flags: ['--query-timeout', '0'] });
    assert.equal(finding('statement-timeout')?.severity, 'warning');
    assert.match(textOf(finding('statement-timeout')), /10000 ms, and .* = none\n.*max_statement_time 0:/s);
    await clinic.sql('SET GLOBAL max_statement_time = 0');
  });

  it('looks at the timeouts of each pool, and names it where they differ', async () => {
    const stats = { max: 4, leased: 0 };
    const pools = poolsOf({
      pools: {
        db: { stats },
        also: { stats: { ...stats, max: 5 } },
        reporting: { stats, options: { idleTimeoutMs: 100_000_000 } },
      },
    });
    const { findings } = await clinic.examine({ pools });
    const ofIdle = findings.filter(({ id }) => id === 'idle-timeout');
    assert.deepEqual(
      ofIdle.map(({ severity, title }) => [severity, title.split(':')[0]]),
      [
        ['ok', 'db, also'],
        ['warning', 'reporting'],
      ],
    );
    const same = await clinic.examine({ pools: pools.slice(0, 2) });
    assert.match(same.finding('idle-timeout')?.title ?? '', /^idle connections/);
  });
});
