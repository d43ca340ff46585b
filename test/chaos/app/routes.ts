import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { finished, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, Statements } from './contender.js';
import type { Route, Visit } from './route.js';
import { STAINS } from './stains.js';
import { transfers } from './transfers.js';

/** Looks like a card's number, is bound in statements, and must not be found anywhere else. */
export const CARD = '4929 1188 0666 3307';

/** The route mix of the chaos run. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/read', handle: read },
  ...transfers,
  { method: 'GET', path: '/sleep', handle: longSleep },
  { method: 'GET', path: '/stream', handle: stream },
  { method: 'POST', path: '/dirty', handle: dirty },
  { method: 'GET', path: '/forget', handle: forget },
  { method: 'GET', path: '/late', handle: late },
  { method: 'GET', path: '/double-release', handle: doubleRelease },
  { method: 'GET', path: '/never', handle: never },
  { method: 'GET', path: '/mistake', handle: mistake },
];

async function balance(visit: Visit, on: Statements = visit.session): Promise<Row> {
  const id = Number(visit.query.get('id') ?? 1);
  return visit.visitor.ask(on, 'balance', [id, CARD], "FROM accounts WHERE id = ? AND 'card' <> ?");
}

async function prepared({ visitor, session, query }: Visit): Promise<void> {
  const nonce = randomUUID();
  const sql = 'SELECT ? AS nonce, balance FROM accounts WHERE id = ?';
  const [row] = await session.execute(sql, [nonce, Number(query.get('id') ?? 1)]);
  visitor.checkNonce(row, nonce);
}

async function read(visit: Visit): Promise<void> {
  const { visitor, reply } = visit;
  await visitor.arrive(false);
  const row = await balance(visit);
  // Two at once, which one request's connection runs one after the other.
  await Promise.all([balance(visit), prepared(visit)]);
  await visitor.depart();
  reply(200, { balance: row.balance });
}

const TIMEOUTS: unknown[] = ['QUERY_TIMEOUT', 'PROTOCOL_SEQUENCE_TIMEOUT', 'ER_STATEMENT_TIMEOUT', 1969];

function isTimeout(error: unknown): boolean {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  return TIMEOUTS.includes(code) || TIMEOUTS.includes(errno);
}

async function longSleep({ visitor, session, reply, query }: Visit): Promise<void> {
  await visitor.arrive(false);
  visitor.leave();
  await session.query('SELECT SLEEP(1)', [], Number(query.get('timeoutMs') ?? 200)).catch((error) => {
    if (!isTimeout(error)) throw error;
  });
  reply(200, {});
}

async function stream(visit: Visit): Promise<void> {
  const { visitor, session, query } = visit;
  await visitor.arrive(false);
  const nonce = randomUUID();
  const limit = Number(query.get('rows') ?? 64);
  const rows = await session.stream('SELECT ? AS nonce, a.n, a.text FROM numbers a JOIN scratch LIMIT ?', [
    nonce,
    limit,
  ]);
  let isFirst = true;
  const lines = new Transform({
    writableObjectMode: true,
    transform(row, _encoding, done) {
      // Later ones may be pulled by whoever has read the answer so far.
      if (isFirst) visitor.checkCaller('the first row of a stream');
      isFirst = false;
      visitor.checkNonce(row, nonce);
      done(null, `${JSON.stringify(row)}\n`);
    },
  });
  finished(rows, () => visitor.leave());
  rows.once('error', (error) => {
    visitor.failed(error, 'stream');
    lines.destroy(error);
  });
  lines.once('close', () => rows.destroy());
  visit.stream(rows.pipe(lines));
}

async function dirty({ visitor, session, reply, body }: Visit): Promise<void> {
  await visitor.arrive(false);
  const stain = STAINS[Number(body.stain) % STAINS.length];
  for (const sql of stain?.sql(randomUUID()) ?? []) await session.query(sql);
  visitor.count(`stain:${stain?.name}`);
  visitor.leave();
  reply(200, {});
}

async function forget(visit: Visit): Promise<void> {
  const { visitor, session, reply } = visit;
  await visitor.arrive(false);
  const forgotten = session.query('SELECT SLEEP(0.03)');
  // An application that forgets a query has not forgotten to handle its error.
  forgotten.catch(() => {}).finally(() => visitor.leave());
  reply(200, {});
}

async function late(visit: Visit): Promise<void> {
  const { visitor, reply, res } = visit;
  await visitor.arrive(false);
  await visitor.depart();
  const lateWork = async () => {
    await sleep(20);
    await balance(visit).catch(() => visitor.count('late:failed'));
  };
  res.once('close', AsyncResource.bind(lateWork));
  reply(200, {});
}

async function doubleRelease(visit: Visit): Promise<void> {
  const { visitor, session, reply } = visit;
  await visitor.arrive(false);
  await visitor.depart();
  await session.release();
  await sleep(2);
  await session.release();
  await sleep(2);
  await visitor.arrive(false);
  await visitor.depart();
  reply(200, {});
}

async function never({ visitor }: Visit): Promise<void> {
  await visitor.arrive(false);
  visitor.leave();
  await new Promise(() => {});
}

/** A statement with a bound secret that the server refuses without repeating it. */
async function mistake({ visitor, session, reply }: Visit): Promise<void> {
  await visitor.arrive(false);
  const refused = await session
    .query('SELECT no_such_column FROM accounts WHERE id = ? AND ? <> 0', [1, CARD])
    .then(
      () => false,
      ({ errno }) => errno === 1054 || Promise.reject(new Error(`error ${errno} instead of 1054`)),
    );
  await visitor.depart();
  reply(200, { refused });
}
