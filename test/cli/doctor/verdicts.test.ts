import { strict as assert } from 'node:assert';
import { type ApplicationPool, poolsOf } from '#cli/doctor/application.js';
import { applicationPools } from '#cli/doctor/checks/application.js';
import { findingsOf } from '#cli/doctor/checks/index.js';
import { expectationsOf } from '#cli/doctor/expectation.js';
import type { Picture, Thread, Transaction } from '#cli/doctor/picture.js';
import { forwardingOf } from '#cli/doctor/read/between.js';
import { readMetadataWaits } from '#cli/doctor/read/metadata-locks.js';
import { Readings } from '#cli/doctor/read/readings.js';
import { refusalFinding } from '#cli/doctor/refused.js';
import type { Ask } from '#cli/session.js';
import { textOf } from './clinic.js';

const OWN = 1;

const thread = (id: number, more: Partial<Thread> = {}): Thread => ({
  id,
  user: 'shop',
  host: '10.0.0.5',
  port: 50_000 + id,
  database: 'shop',
  command: 'Sleep',
  state: '',
  ageMs: 0,
  statement: undefined,
  program: undefined,
  pid: undefined,
  pool: undefined,
  ...more,
});

const transaction = (threadId: number, ageMs = 60_000): Transaction => ({
  threadId,
  ageMs,
  rowsModified: 0,
  rowsLocked: 0,
  readOnly: false,
});

interface Seen extends Partial<Omit<Picture, 'server' | 'status'>> {
  readonly variables?: Record<string, string | number>;
  readonly counters?: Record<string, string | number>;
  readonly server?: Partial<Picture['server']>;
  readonly flags?: Record<string, string>;
}

const strings = (values: Record<string, string | number>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** The verdicts on a server that is well but for what is given. */
function judge({ variables, counters, server, flags = {}, ...more }: Seen) {
  const picture: Picture = {
    target: { label: 'shop@db:3306', port: 3306 },
    sample: undefined,
    ownId: OWN,
    threads: [thread(OWN, { command: 'Query' })],
    seesAllThreads: true,
    transactions: [],
    rowLockWaits: [],
    metadataWaits: [],
    sockets: null,
    pools: [],
    expectations: expectationsOf(flags, more.pools ?? []),
    between: { pooling: null, forwarding: null },
    unseen: [],
    ...more,
    server: {
      version: '10.11',
      isMariaDb: true,
      account: 'shop@%',
      maxUserConnections: 0,
      variables: strings({
        max_connections: 100,
        wait_timeout: 28_800,
        connect_timeout: 10,
        net_read_timeout: 30,
        net_write_timeout: 60,
        innodb_lock_wait_timeout: 10,
        lock_wait_timeout: 60,
        max_statement_time: 0,
        ...variables,
      }),
      ...server,
    },
    status: strings({
      connections: 1_000,
      uptime: 3_600,
      threads_connected: 1,
      max_used_connections: 1,
      ...counters,
    }),
  };
  const findings = findingsOf(picture);
  const finding = (id: string) => findings.find((found) => found.id === id);
  return {
    finding,
    text: (id: string) => textOf(finding(id)),
    severity: (id: string) => finding(id)?.severity,
  };
}

describe('doctor: where its verdicts turn', () => {
  it('the most connections there ever were: near from 90 % on, full at the limit or once somebody was refused', () => {
    const of = (most: number, refused = 0) => {
      const { finding } = judge({
        counters: { max_used_connections: most, connection_errors_max_connections: refused },
      });
      const { severity, title } = finding('connections-high-water') ?? {};
      return [severity, /the limit was reached/.test(title ?? '')];
    };
    assert.deepEqual(
      [of(89), of(90), of(100), of(5, 1)],
      [
        ['ok', false],
        ['warning', false],
        ['warning', true],
        ['warning', true],
      ],
    );
  });

  it('aborted clients and attempts: 20 and 1 % of all, or any while it watches', () => {
    for (const [id, name] of [
      ['aborted-clients', 'aborted_clients'],
      ['aborted-connects', 'aborted_connects'],
    ] as const) {
      const of = (total: number, connections: number) =>
        judge({ counters: { [name]: total, connections } }).severity(id);
      assert.deepEqual([of(19, 100), of(20, 2_001), of(20, 2_000)], ['ok', 'ok', 'warning'], id);
    }
  });

  it('new connections: the sockets of this host that were closed are evidence', () => {
    const sample = { seconds: 1, before: strings({ connections: 900 }) };
    const sockets = { processes: [], timeWait: 7, ends: new Map() };
    assert.match(judge({ sample, sockets }).text('connection-rate'), /7 sockets to the server in TIME_WAIT/);
    assert.doesNotMatch(judge({ sample }).text('connection-rate'), /TIME_WAIT/);
  });

  it('MariaDB’s other door: open or not', () => {
    assert.match(
      judge({ variables: { extra_port: 0 } }).text('connections-now'),
      /extra_port 0: when it is full, one/,
    );
    const open = judge({ variables: { extra_port: 3307, extra_max_connections: 2 } });
    assert.match(open.text('connections-now'), /extra_port 3307: when it is full, 2 connections more/);
  });

  it('a short wait_timeout leaves a quarter of itself', () => {
    const of = (idle: string) =>
      judge({ variables: { wait_timeout: 40 }, flags: { 'idle-timeout': idle } }).severity('idle-timeout');
    assert.deepEqual([of('10000'), of('10001')], ['ok', 'warning']);
  });

  it('timeouts of the connection: each by itself; a pool without a queue has no deadline to be below', () => {
    const of = (variables: Record<string, number>) => judge({ variables }).severity('network-timeouts');
    assert.deepEqual(
      [of({}), of({ net_read_timeout: 9 }), of({ net_write_timeout: 9 }), of({ connect_timeout: 2 })],
      ['ok', 'warning', 'warning', 'warning'],
    );
    assert.equal(judge({ flags: { 'acquire-timeout': '0' } }).severity('network-timeouts'), 'ok');
  });

  it('sessions that sleep in a transaction: each of MariaDB’s three limits', () => {
    for (const kind of ['', 'write_', 'readonly_']) {
      const name = `idle_${kind}transaction_timeout`;
      const of = (seconds: number) =>
        judge({ variables: { [name]: seconds } }).severity('idle-transaction-timeout');
      assert.deepEqual([of(0), of(30), of(31)], [undefined, 'warning', 'ok'], name);
    }
  });

  it('long transactions: neither its own, nor one that is recovered and nobody’s', () => {
    const of = (...ids: number[]) =>
      judge({ transactions: ids.map((id) => transaction(id)) }).severity('long-transactions');
    assert.deepEqual([of(OWN, 0), of(OWN, 0, 7)], ['ok', 'warning']);
  });

  it('who waits for rows: it calls for the end of the first holder, and not of one that waits itself', () => {
    const waits = [
      { waiter: 8, holder: 7, waitedMs: 1 },
      { waiter: 9, holder: 8, waitedMs: 1 },
    ];
    const { text } = judge({ rowLockWaits: waits, threads: [OWN, 7, 8, 9].map((id) => thread(id)) });
    assert.match(text('row-lock-waits'), /sleeps in its transaction \(#7\).*KILL 7/);
  });

  it('sleepers: the longest first, and not its own session', () => {
    const threads = [thread(OWN), thread(7, { ageMs: 5_000 }), thread(8, { ageMs: 9_000 })];
    assert.match(judge({ threads }).text('sleepers'), /^2 connections asleep, the longest for 9 s\n#8 /);
    const long = judge({ threads, flags: { 'sleep-after': '1000' } });
    assert.match(long.text('sleepers'), /\n#8 .*\n#7 /);
  });

  it('sleepers: from twice the idle timeout on, and ten minutes at least', () => {
    const from = (idle: string) => expectationsOf({ 'idle-timeout': idle }, [])[0].sleepAfterMs;
    assert.deepEqual([from('1000'), from('400000')], [600_000, 800_000]);
  });

  it('sleepers: a number of a session on another server is not taken for the application’s', () => {
    const of = (pid: number) => {
      const pools = [{ name: 'db', stats: { max: 1, leased: 0 }, holders: [], options: {}, pid: 12 }];
      const told: ApplicationPool[] = pools.map((pool) => ({
        ...pool,
        connections: [{ threadId: 7, state: 'idle' }],
      }));
      const threads = [thread(OWN, { user: 'operator' }), thread(7, { pid })];
      const { text } = judge({ threads, pools: told, flags: { processes: '2' } });
      return [
        /idle in the pool db/.test(text('sleepers')),
        /- 0 of other users/.test(text('connection-budget')),
      ];
    };
    assert.deepEqual(
      [of(12), of(13)],
      [
        [true, true],
        [false, false],
      ],
    );
  });

  it('the budget: the server’s own threads are nobody’s connections, and an account’s limit is nobody else’s', () => {
    const threads = [
      thread(OWN),
      thread(2, { user: 'system user' }),
      thread(3, { user: 'event_scheduler' }),
      thread(4, { user: 'root', command: 'Daemon' }),
      thread(5, { user: 'billing' }),
    ];
    const flags = { processes: '2' };
    assert.match(judge({ threads, flags }).text('connection-budget'), /- 1 of other users now .*= 89/);
    const limited = judge({ threads, flags, server: { maxUserConnections: 50 } });
    assert.match(limited.text('connection-budget'), /usable: 50 - .* - 0 of other users now = 45/);
  });

  it('a pool: full is told, who waits is a warning; held for long are those that are', () => {
    const of = (stats: Record<string, number>, ages: number[] = []) => {
      const holders = ages.map((ageMs, at) => ({ route: `GET /${at}`, ageMs }));
      const pools = poolsOf({ stats: { max: 2, leased: 0, ...stats }, holders });
      return applicationPools({ pools, expectations: expectationsOf({}, pools) });
    };
    const exhaustion = (stats: Record<string, number>) => of(stats)[0]?.severity;
    assert.deepEqual(
      [exhaustion({ leased: 1 }), exhaustion({ leased: 2 }), exhaustion({ leased: 2, pending: 1 })],
      ['ok', 'info', 'warning'],
    );
    assert.deepEqual(of({ leased: 2 }, [29_999])[1]?.severity, 'ok');
    assert.match(
      textOf(of({ leased: 2 }, [29_999, 30_000])[1]),
      /^1 connection of the pool.*\nGET \/1 holds/,
    );
  });

  it('ways to be refused: findings where somebody came to ask about them, else a failure', () => {
    const ids = [
      'ER_CON_COUNT_ERROR',
      'ER_TOO_MANY_USER_CONNECTIONS',
      'ER_USER_LIMIT_REACHED',
      'ER_HOST_IS_BLOCKED',
    ].map((code) => refusalFinding(code, 'said so'));
    assert.ok(ids.every((found) => found?.id === 'refused' && found.severity === 'critical'));
    assert.equal(new Set(ids.map((found) => found?.title)).size, 4);
    assert.equal(refusalFinding('ER_ACCESS_DENIED_ERROR', ''), null);
    assert.equal(refusalFinding(undefined, ''), null);
  });

  it('what is between: another port than was asked at, unless it is the extra one, or another of ours than it sees', () => {
    const of = (port: number, extra: number, seen: number) => {
      const socket = { remoteAddress: '10.0.0.1', remotePort: 3307, localPort: 50_001 };
      const { server } = {
        server: { variables: strings({ port, extra_port: extra }) } as unknown as Picture['server'],
      };
      return forwardingOf({ socket }, thread(OWN, { port: seen }), server) !== null;
    };
    assert.deepEqual(
      [of(3307, 0, 50_001), of(3306, 3307, 50_001), of(3306, 0, 50_001), of(3307, 0, 40_000)],
      [false, false, true, true],
    );
  });
});

describe('doctor: metadata locks, by what the server tells', () => {
  const refused =
    (errno: number): Ask =>
    async () => {
      throw Object.assign(new Error('no'), { errno });
    };
  const server = (more: Record<string, string> = {}) =>
    ({ isMariaDb: true, variables: strings(more) }) as unknown as Picture['server'];
  const waiting = thread(9, {
    command: 'Query',
    state: 'Waiting for table metadata lock',
    statement: 'ALTER TABLE item ADD x INT',
  });

  it('a lock inside a table is the engine’s', async () => {
    const inside = ['Waiting for table level lock', 'Waiting for row lock'].map((state) => ({
      ...waiting,
      state,
    }));
    assert.deepEqual(await readMetadataWaits(new Readings(refused(1109)), server(), inside, []), []);
  });

  it('guesses at transactions of the same schema, the oldest first; at any where there are none', async () => {
    const threads = [waiting, thread(5), thread(6), thread(7, { database: 'billing' })];
    const guess = async (transactions: Transaction[]) =>
      (await readMetadataWaits(new Readings(refused(1109)), server(), threads, transactions))[0]?.holders;
    const all = [transaction(5, 10), transaction(6, 20), transaction(7, 30), transaction(9, 40)];
    assert.deepEqual(await guess(all), [6, 5]);
    assert.deepEqual(await guess(all.slice(2)), [7]);
  });

  it('asks the plugin where the performance schema’s instrument is off', async () => {
    const ask: Ask = async (sql) =>
      /METADATA_LOCK_INFO/.test(sql) ? [{ threadId: 5, inSchema: 'shop', name: 'item', granted: 1 }] : [];
    const [wait] = await readMetadataWaits(
      new Readings(ask),
      server({ performance_schema: 'ON' }),
      [waiting, thread(5)],
      [],
    );
    assert.deepEqual([wait?.object, wait?.holders, wait?.certain], ['shop.item', [5], true]);
  });

  it('a server’s last words are the end, and not a missing privilege', async () => {
    for (const errno of [1053, 1927])
      await assert.rejects(new Readings(refused(errno)).want('SELECT 1'), /the server was lost/);
    assert.equal(await new Readings(refused(1227)).want('SELECT 1'), null);
  });
});
