import assert from 'node:assert/strict';
import { RacePool } from './fixture.js';
import { askAsNew, outcomes, ownRows, question, Watched } from './outcome.js';
import {
  column,
  columnCount,
  eof,
  err,
  framed,
  localInfile,
  ok,
  ServerError,
  textRow,
} from './peer/packets.js';
import type { PeerSession } from './peer/session.js';

const AUTOCOMMIT = 2;
const DEADLINES = {
  max: 1,
  connectTimeoutMs: 3_000,
  acquireTimeoutMs: 60_000,
  queryTimeoutMs: 10_000,
} as const;
/** More than an attempt to connect is put off for. */
const LATER_MS = 60_000;

const UNKNOWN = new ServerError(1105, 'HY000', 'of whom?');

function renumbered(packets: readonly Buffer[], from: number, by: number): Buffer {
  return Buffer.concat(
    packets.map((packet, i) => (i < from ? packet : framed(packet.subarray(4), (packet[3] as number) + by))),
  );
}

function answer(...payloads: Buffer[]): Buffer {
  return Buffer.concat(payloads.map((payload, i) => framed(payload, i + 1)));
}

/** Of what it says instead of the answer to a query; `ok` = the answer itself was whole, and is believed. */
const ANSWERS: readonly (readonly [name: string, outcome: string, say: (packets: Buffer[]) => Buffer])[] = [
  ['numbers that are off by one', 'PROTOCOL_UNEXPECTED_PACKET', (packets) => renumbered(packets, 0, 1)],
  ['numbers that jump in the middle', 'PROTOCOL_UNEXPECTED_PACKET', (packets) => renumbered(packets, 4, 3)],
  [
    'numbers that jump at the end',
    'PROTOCOL_UNEXPECTED_PACKET',
    (packets) => renumbered(packets, packets.length - 1, 1),
  ],
  [
    'two packets in the wrong order',
    'PROTOCOL_UNEXPECTED_PACKET',
    ([header, first, second, ...rest]) => Buffer.concat([header, second, first, ...rest] as Buffer[]),
  ],
  ['its answer twice', 'ok', (packets) => Buffer.concat([...packets, ...packets])],
  ['an OK behind its answer', 'ok', (packets) => Buffer.concat([...packets, framed(ok(AUTOCOMMIT), 1)])],
  [
    'the beginning of another answer behind its own',
    'ok',
    (packets) => Buffer.concat([...packets, Buffer.of(1, 0)]),
  ],
  [
    'rows without a header',
    'PROTOCOL_UNEXPECTED_PACKET',
    () => answer(textRow({ nonce: 'other' }), eof(AUTOCOMMIT)),
  ],
  ['an EOF instead of a header', 'PROTOCOL_UNEXPECTED_PACKET', () => answer(eof(AUTOCOMMIT))],
  ['an OK that is cut off', 'PROTOCOL_UNEXPECTED_PACKET', () => answer(Buffer.of(0, 0, 0))],
  [
    'fewer columns than announced',
    'PROTOCOL_UNEXPECTED_PACKET',
    () =>
      answer(columnCount(2), column('nonce'), eof(AUTOCOMMIT), textRow({ nonce: 'other' }), eof(AUTOCOMMIT)),
  ],
  [
    'more columns than announced',
    'PROTOCOL_ERROR',
    () => answer(columnCount(1), column('a'), column('b'), eof(AUTOCOMMIT), eof(AUTOCOMMIT)),
  ],
  [
    'a packet of no known kind',
    'PROTOCOL_UNEXPECTED_PACKET',
    () => answer(Buffer.of(0xfd, 1, 2, 3, 4, 5, 6, 7)),
  ],
  ['an empty packet', 'PROTOCOL_UNEXPECTED_PACKET', () => answer(Buffer.alloc(0))],
  ['a request for /etc/passwd', 'PROTOCOL_UNEXPECTED_PACKET', () => answer(localInfile('/etc/passwd'))],
  ['an answer without its end', 'QUERY_TIMEOUT', (packets) => Buffer.concat(packets.slice(0, -1))],
  ['an answer that ends in a packet', 'QUERY_TIMEOUT', (packets) => Buffer.concat(packets).subarray(0, -3)],
  ['the announcement of 16 MB', 'QUERY_TIMEOUT', () => framed(Buffer.alloc(0), 1, 0xffffff)],
  [
    'the announcement of 16 MB of a row',
    'QUERY_TIMEOUT',
    (packets) => Buffer.concat([...packets.slice(0, 6), framed(Buffer.alloc(9), 7, 0xffffff)]),
  ],
  [
    'an error with the number of a packet that is not due',
    'PROTOCOL_UNEXPECTED_PACKET',
    () => framed(err(UNKNOWN), 9),
  ],
  [
    'a stray packet in the middle of its own',
    'PROTOCOL_UNEXPECTED_PACKET',
    (packets) =>
      Buffer.concat([...packets.slice(0, 7), framed(textRow({ nonce: 'other' }), 99), ...packets.slice(7)]),
  ],
  ['an error that is not numbered as an answer', 'ER_UNKNOWN_ERROR', () => framed(err(UNKNOWN), 0)],
  // What servers say of sessions that they end unasked; the connection goes, the error is shown.
  [
    'its last words',
    'ER_CLIENT_INTERACTION_TIMEOUT',
    () => framed(err(new ServerError(4031, 'HY000', 'disconnected because of inactivity')), 0),
  ],
];

/** It is rogue on its first session; a new one is as it should be. */
async function withRogue(
  say: (sql: string, packets: Buffer[], session: PeerSession) => Buffer | null | undefined,
  work: (race: RacePool) => Promise<void>,
  options: Parameters<typeof RacePool.open>[0] = {},
): Promise<void> {
  const race = await RacePool.open({ ...DEADLINES, ...options });
  race.peer.distortion = (session, sql, packets) =>
    session.id === 1 ? say(sql, packets, session) : undefined;
  try {
    await work(race);
    await race.end();
  } finally {
    await race.abandon();
  }
}

/** The next one is served by another connection, and right. */
async function servedElsewhere(race: RacePool): Promise<void> {
  const next = new Watched('next', askAsNew(race.pool, 'next'));
  await race.settled([next]);
  assert.equal(outcomes([next]), 'next ok');
  const [rogue] = race.peer.sessions;
  assert.ok(rogue?.socket.closed, 'the rogue’s connection is closed');
  assert.ok(!rogue.statements.includes(question('next')), 'and nothing more was asked on it');
}

const victim = (sql: string) => /'victim'/.test(sql);

describe('a server that answers a query with', () => {
  for (const [name, outcome, say] of ANSWERS) {
    it(`${name}: ${outcome}, and the next one gets its own rows from another connection`, () =>
      withRogue(
        (sql, packets) => (victim(sql) ? say(packets) : undefined),
        async (race) => {
          const before = process.memoryUsage();
          const lease = await race.pool.acquire();
          const own = [
            new Watched(
              'victim',
              lease.query(question('victim')).then((answer) => ownRows('victim', answer)),
            ),
            // It would be what an answer too many is taken for.
            new Watched(
              'behind',
              lease.query(question('behind')).then((answer) => ownRows('behind', answer)),
            ),
          ];
          await race.settled(own);
          assert.equal(outcomes(own), `victim ${outcome}, behind CONNECTION_LOST`);
          assert.ok(race.peer.sessions[0]?.socket.closed, 'it is cut at once');
          lease.release();
          await servedElsewhere(race);
          const { external } = process.memoryUsage();
          assert.ok(external - before.external < 8_000_000, 'what was announced was not provided for');
          assert.ok(
            !Buffer.concat(race.peer.sessions[0]?.received ?? []).includes('root:'),
            'no file was sent',
          );
        },
      ));
  }
});

describe('a server that speaks unasked', () => {
  const SAYS: readonly (readonly [string, Buffer])[] = [
    ['an OK', framed(ok(AUTOCOMMIT), 1)],
    [
      'an answer that was given already',
      answer(columnCount(1), column('nonce'), eof(AUTOCOMMIT), textRow({ nonce: 'old' }), eof(AUTOCOMMIT)),
    ],
    ['the beginning of a packet', Buffer.of(7)],
    ['the beginning of a long packet', framed(Buffer.alloc(5), 1, 100)],
    ['an error', framed(err(new ServerError(1927, '70100', 'Connection was killed')), 0)],
  ];
  for (const [name, bytes] of SAYS) {
    it(`${name}: the idle connection is not used again`, () =>
      withRogue(
        () => undefined,
        async (race) => {
          await askAsNew(race.pool, 'first');
          race.peer.sessions[0]?.socket.write(bytes);
          await race.rest();
          await servedElsewhere(race);
        },
      ));

    it(`${name}, while a lease thinks: it can send nothing more`, () =>
      withRogue(
        () => undefined,
        async (race) => {
          const lease = await race.pool.acquire();
          await lease.query(question('first'));
          race.peer.sessions[0]?.socket.write(bytes);
          await race.rest();
          const own = new Watched('second', lease.query(question('second')));
          await race.settled([own]);
          assert.notEqual(own.ended, 'ok');
          lease.release();
          await servedElsewhere(race);
        },
      ));
  }
});

describe('a server that answers something else than was asked', () => {
  it('COMMIT with rows: OUTCOME_UNKNOWN', () =>
    withRogue(
      (sql) => (sql === 'COMMIT' ? answer(textRow({ nonce: 'other' })) : undefined),
      async (race) => {
        const lease = await race.pool.acquire();
        await lease.beginTransaction();
        const own = new Watched('commit', lease.commit());
        await race.settled([own]);
        assert.equal(outcomes([own]), 'commit OUTCOME_UNKNOWN');
        lease.release();
        await servedElsewhere(race);
      },
    ));

  it('COMMIT twice: it is committed, and the connection is not used again', () =>
    withRogue(
      (sql, packets) => (sql === 'COMMIT' ? Buffer.concat([...packets, ...packets]) : undefined),
      async (race) => {
        const own = new Watched(
          'transaction',
          race.pool.transaction((tx) => tx.query(question('inside'))),
        );
        await race.settled([own]);
        assert.equal(outcomes([own]), 'transaction ok');
        await servedElsewhere(race);
      },
    ));

  it('a reset with rows: the session does not count as clean', () =>
    withRogue(
      (sql) => (sql === 'RESET' ? answer(columnCount(1)) : undefined),
      async (race) => {
        const lease = await race.pool.acquire();
        await lease.query("SET @owner = 'me'");
        lease.release();
        await servedElsewhere(race);
      },
    ));

  it('a ping with rows: the connection does not count as alive', () =>
    withRogue(
      (sql) => (sql === 'PING' ? answer(columnCount(1)) : undefined),
      async (race) => {
        await askAsNew(race.pool, 'first');
        await race.clock.advance(1_000);
        await servedElsewhere(race);
      },
    ));

  it('a PREPARE with the answer to the EXECUTE that is still to come: that is not believed', () => {
    const rows = answer(
      columnCount(1),
      column('nonce'),
      eof(AUTOCOMMIT),
      textRow({ nonce: 'victim' }),
      eof(AUTOCOMMIT),
    );
    return withRogue(
      (sql, packets) =>
        victim(sql) && packets[0]?.length === 16 ? Buffer.concat([...packets, rows]) : undefined,
      async (race) => {
        const own = new Watched('execute', race.pool.execute(question('victim')));
        await race.settled([own]);
        assert.equal(outcomes([own]), 'execute PROTOCOL_UNEXPECTED_PACKET');
        await servedElsewhere(race);
      },
    );
  });

  it('a PREPARE with rows: it is not waited for more', () =>
    withRogue(
      (sql, packets) =>
        victim(sql) && packets[0]?.length === 16 ? answer(columnCount(1), column('nonce')) : undefined,
      async (race) => {
        const own = new Watched('execute', race.pool.execute(question('victim')));
        await race.rest();
        assert.equal(outcomes([own]), 'execute PROTOCOL_UNEXPECTED_PACKET');
        await servedElsewhere(race);
      },
    ));

  it('the beginning of another answer behind that of a stream, while its reader pauses', () =>
    withRogue(
      (sql, packets) => (victim(sql) ? Buffer.concat([...packets, Buffer.of(1, 0, 0, 1)]) : undefined),
      async (race) => {
        const lease = await race.pool.acquire();
        const rows = lease.stream(question('victim'), [], { highWaterMark: 1 });
        const reading = rows[Symbol.asyncIterator]();
        await reading.next();
        await race.rest();
        while (!(await reading.next()).done);
        const own = new Watched('behind', lease.query(question('behind')));
        await race.settled([own]);
        assert.notEqual(own.ended, 'ok');
        lease.release();
        await servedElsewhere(race);
      },
    ));

  it('a column named __proto__: no object changes', () =>
    withRogue(
      (sql) =>
        victim(sql)
          ? answer(
              columnCount(1),
              column('__proto__'),
              eof(AUTOCOMMIT),
              textRow({ a: '{"x":1}' }),
              eof(AUTOCOMMIT),
            )
          : undefined,
      async (race) => {
        const lease = await race.pool.acquire();
        const own = [
          new Watched('query', lease.query(question('victim'))),
          new Watched('arrays', lease.query({ sql: question('victim'), rowsAsArray: true })),
        ];
        await race.settled(own);
        assert.equal(({} as { x?: unknown }).x, undefined);
        assert.equal(own[0]?.ended === 'ok', false, 'it is refused');
        lease.release();
        await servedElsewhere(race);
      },
    ));
});

describe('a server that is none when it is connected to', () => {
  const GREETINGS: readonly (readonly [string, string, Buffer | null])[] = [
    ['nothing', 'ok', null],
    ['a web server’s answer', 'ok', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
    ['the announcement of 16 MB', 'ok', framed(Buffer.alloc(0), 0, 0xffffff)],
    ['a greeting with another number', 'ok', framed(Buffer.from('\x0a11.8\0'), 3)],
    ['an empty packet', 'OPEN_FAILED', framed(Buffer.alloc(0), 0)],
    ['noise in a packet', 'OPEN_FAILED', framed(Buffer.from([0x0a, 0x31]), 0)],
  ];
  for (const [name, outcome, bytes] of GREETINGS) {
    it(`and greets with ${name}: ${outcome}, and later it is tried again`, () =>
      withRogue(
        (sql) => (sql === 'greeting' ? bytes : undefined),
        async (race) => {
          const own = new Watched('first', askAsNew(race.pool, 'first'));
          await race.settled([own]);
          assert.equal(outcomes([own]), `first ${outcome}`);
          await race.clock.advance(LATER_MS);
          await servedElsewhere(race);
        },
      ));
  }

  it('and accepts the login twice: it is not used', () =>
    withRogue(
      (sql, packets) => (sql === 'login' ? Buffer.concat([...packets, ...packets]) : undefined),
      async (race) => {
        const own = new Watched('first', askAsNew(race.pool, 'first'));
        await race.settled([own]);
        assert.equal(outcomes([own]), 'first ok');
        await servedElsewhere(race);
      },
    ));
});
