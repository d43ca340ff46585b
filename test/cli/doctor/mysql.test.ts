import { strict as assert } from 'node:assert';
import { hostname } from 'node:os';
import { findingsOf } from '#cli/doctor/checks/index.js';
import { takePicture } from '#cli/doctor/examine.js';
import { expectationsOf } from '#cli/doctor/expectation.js';
import { applicationOf } from '#cli/doctor/names.js';
import { readPooling } from '#cli/doctor/read/between.js';
import { Readings } from '#cli/doctor/read/readings.js';
import type { Row } from '#cli/session.js';
import { textOf } from './clinic.js';

/** A server that answers by what the statement names; what it does not know it refuses. */
type Answers = readonly (readonly [RegExp, readonly Row[] | Refusal])[];

interface Refusal {
  readonly errno: number;
  readonly message: string;
}

const denied: Refusal = {
  errno: 1227,
  message: 'Access denied; you need (at least one of) the PROCESS privilege(s)',
};
const tableDenied: Refusal = { errno: 1142, message: 'SELECT command denied to user' };

function variables(values: Readonly<Record<string, string>>): Row[] {
  return Object.entries(values).map(([Variable_name, Value]) => ({ Variable_name, Value }));
}

const OWN_ID = 40;

/** Made by its manual: the names and types of columns are MySQL 8.4's. */
const MYSQL: Answers = [
  [
    /^SHOW GLOBAL STATUS/,
    variables({
      Threads_connected: '5',
      Connections: '900',
      Uptime: '3600',
      Max_used_connections: '150',
      Max_used_connections_time: '2026-01-02 03:04:05',
    }),
  ],
  [/CURRENT_USER\(\)/, [{ version: '8.4.3', account: 'shop@%', maxUserConnections: 0 }]],
  [
    /^SHOW GLOBAL VARIABLES/,
    variables({
      max_connections: '151',
      wait_timeout: '28800',
      performance_schema: 'ON',
      max_execution_time: '5000',
      port: '3306',
      innodb_lock_wait_timeout: '50',
      lock_wait_timeout: '31536000',
      connect_timeout: '10',
      net_read_timeout: '30',
      net_write_timeout: '60',
    }),
  ],
  [/CONNECTION_ID\(\)/, [{ id: OWN_ID }]],
  [
    /session_connect_attrs/,
    [
      { id: 7, name: '_client_name', value: 'Node-MySQL-2' },
      { id: 7, name: 'program_name', value: 'api.js' },
      { id: 7, name: '_pid', value: '321' },
    ],
  ],
  [
    /performance_schema\.processlist/,
    [
      {
        id: 5,
        user: 'event_scheduler',
        host: 'localhost',
        db: null,
        command: 'Daemon',
        ageMs: '3600000',
        state: 'Waiting on empty queue',
        info: null,
      },
      {
        id: 7,
        user: 'shop',
        host: '10.0.0.5:50364',
        db: 'shop',
        command: 'Sleep',
        ageMs: '7200000',
        state: '',
        info: null,
      },
      {
        id: 8,
        user: 'shop',
        host: '10.0.0.6:50365',
        db: 'shop',
        command: 'Query',
        ageMs: '12000',
        state: 'Waiting for table metadata lock',
        info: "ALTER TABLE item COMMENT 'secret'",
      },
      {
        id: 9,
        user: 'shop',
        host: '10.0.0.6:50366',
        db: 'shop',
        command: 'Query',
        ageMs: '3000',
        state: 'updating',
        info: 'UPDATE stock SET n = 4711',
      },
      {
        id: OWN_ID,
        user: 'shop',
        host: '10.0.0.9:40000',
        db: null,
        command: 'Query',
        ageMs: '0',
        state: 'executing',
        info: 'SELECT 1',
      },
    ],
  ],
  [
    /data_lock_waits/,
    [
      { waiter: 9, holder: 7, waited: 3 },
      { waiter: 9, holder: 7, waited: 3 },
    ],
  ],
  [/INNODB_TRX/, [{ threadId: '7', age: '7000', modified: '3', locked: '4', readOnly: 0 }]],
  [
    /metadata_locks/,
    [
      { threadId: 7, inSchema: 'shop', name: 'item', granted: 1 },
      { threadId: 8, inSchema: 'shop', name: 'item', granted: 1 },
      { threadId: 8, inSchema: 'shop', name: 'item', granted: 0 },
      { threadId: 9, inSchema: 'shop', name: 'stock', granted: 1 },
    ],
  ],
];

/** Earlier answers win. */
async function examine(...answers: Answers) {
  const ask = async (sql: string): Promise<readonly Row[]> => {
    const [, answer] = [...answers, ...MYSQL].find(([about]) => about.test(sql)) ?? [];
    if (answer === undefined) throw Object.assign(new Error(`unknown: ${sql}`), { errno: 1146 });
    if ('errno' in answer) throw Object.assign(new Error(answer.message), { errno: answer.errno });
    return answer;
  };
  const picture = await takePicture({
    target: { host: 'db', port: 3306, label: 'shop@db:3306' },
    session: { ask, id: OWN_ID, socket: undefined, close: async () => {} },
    expectations: expectationsOf({}, []),
    pools: [],
    behindProxy: false,
    sampleMs: 0,
    sockets: null,
  });
  const findings = findingsOf(picture);
  return { picture, finding: (id: string) => findings.find((found) => found.id === id) };
}

describe('doctor: on MySQL, by answers made after its manual', () => {
  it('knows programs, sleepers and their processes from the performance schema', async () => {
    const { picture, finding } = await examine();
    assert.equal(finding('sleepers')?.severity, 'warning');
    assert.match(
      textOf(finding('sleepers')),
      /#7 shop@10\.0\.0\.5:50364, schema shop, program api\.js \(pid 321\), asleep for 2 h/,
    );
    assert.deepEqual(picture.unseen, []);
    assert.equal(picture.between.pooling, null);
  });

  it('finds transactions, and who waits for whose rows and tables', async () => {
    const { finding } = await examine();
    assert.match(textOf(finding('long-transactions')), /open for 1 h 56 min, 3 rows changed, 4 locked: #7 /);
    assert.equal(finding('row-lock-waits')?.severity, 'critical');
    assert.match(
      textOf(finding('row-lock-waits')),
      /^1 session waiting.*holder: #7 .*3 s so far: #9 .*UPDATE stock SET n = \?/s,
    );
    assert.match(
      textOf(finding('metadata-lock-waits')),
      /^1 session waiting.*\nholder: #7 .*waits for shop\.item, 12 s so far: #8/s,
    );
    assert.doesNotMatch(
      JSON.stringify([finding('row-lock-waits'), finding('metadata-lock-waits')]),
      /secret|4711/,
    );
  });

  it('reads its names of limits', async () => {
    const { finding } = await examine();
    assert.match(
      textOf(finding('statement-timeout')),
      /max_execution_time 5000 ms = 5000 ms < queryTimeoutMs 30000/,
    );
    assert.match(textOf(finding('connections-high-water')), /2026-01-02 03:04:05/);
    assert.equal(finding('idle-transaction-timeout'), undefined);
  });

  it('reads the older list of threads before 8.0.22', async () => {
    const rows = [
      { id: 3, user: 'a', host: '[::1]:5', db: null, command: 'Sleep', ageMs: '1', state: '', info: null },
    ];
    const { picture } = await examine(
      [/performance_schema\.processlist/, { errno: 1146, message: 'no such table' }],
      [/information_schema\.PROCESSLIST/, rows],
    );
    assert.deepEqual(
      picture.threads.map(({ host, port }) => [host, port]),
      [['::1', 5]],
    );
  });

  it('says what an account without privileges could not see', async () => {
    const { picture } = await examine(
      [/session_connect_attrs/, tableDenied],
      [/session_account_connect_attrs/, []],
      [/INNODB_TRX/, denied],
      [/metadata_locks/, tableDenied],
    );
    assert.deepEqual(
      picture.unseen.map(({ remedy }) => remedy),
      [
        'GRANT SELECT ON performance_schema.* TO this account',
        'GRANT PROCESS ON *.* TO this account',
        'GRANT PROCESS ON *.* TO this account',
        'GRANT SELECT ON performance_schema.* TO this account',
      ],
    );
    assert.deepEqual(
      picture.metadataWaits.map(({ holders, certain }) => ({ holders, certain })),
      [{ holders: [], certain: false }],
    );
  });

  it('does not take the socket of this host for that of another with the same port', async () => {
    const process = { pid: 1, name: 'other', script: undefined };
    const ends = new Map([[50364, [{ address: '10.0.0.7', process }]]]);
    const { picture } = await examine([/session_connect_attrs/, []]);
    const thread = picture.threads.find(({ id }) => id === 7);
    assert.ok(thread);
    const named = (host: string) =>
      applicationOf({ ...thread, host }, { sockets: { processes: [], timeWait: 0, ends } });
    assert.equal(named('10.0.0.5'), undefined);
    assert.equal(named('10.0.0.7'), 'other (pid 1)');
    assert.equal(named('localhost'), undefined);
    assert.equal(named(hostname()), 'other (pid 1)');
  });

  it('recognises proxies by what they say of themselves', async () => {
    const named = await examine([
      /CURRENT_USER\(\)/,
      [{ version: '8.0.27-maxscale', account: 'a@%', maxUserConnections: 0 }],
    ]);
    assert.match(named.picture.between.pooling ?? '', /maxscale/);
    const counting = await examine([/CONNECTION_ID\(\)/, [{ id: 99 }]]);
    assert.match(counting.picture.between.pooling ?? '', /CONNECTION_ID\(\) says 99/);
    assert.equal(counting.finding('sleepers'), undefined);
    for (const [host, isProxy] of [
      ['shop.proxy-abc123.eu-central-1.rds.amazonaws.com', true],
      ['shop.abc123.eu-central-1.rds.amazonaws.com', false],
    ] as const) {
      const readings = new Readings(async () => [{ id: OWN_ID }]);
      const pooling = await readPooling(readings, { host }, counting.picture.server, OWN_ID);
      assert.equal(pooling !== null, isProxy, host);
    }
  });
});
