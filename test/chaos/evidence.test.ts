import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Row } from './app/contender.js';
import { Deadlines } from './app/evidence/deadlines.js';
import { Evidence } from './app/evidence/evidence.js';
import { LiveRequests } from './app/evidence/live.js';
import { Loop } from './app/evidence/loop.js';
import { GrantOrder } from './app/evidence/order.js';
import { Secrets } from './app/evidence/secrets.js';
import { deepStains, foreignErrorOf, stainsIn, wholeProbes } from './app/probes.js';
import { STAINS } from './app/stains.js';
import { openStage, type Stage } from './faults/stage.js';
import { Random } from './random.js';
import type { Report, Violation } from './types.js';

async function sessionOn(url: string) {
  const connection = await createConnection(url);
  const query = async (sql: string) => (await connection.query<RowDataPacket[]>(sql))[0] as Row[];
  const begin = () => connection.beginTransaction();
  return { query, begin, rollback: () => connection.rollback(), end: () => connection.destroy() };
}

let stage: Stage;

type Session = Awaited<ReturnType<typeof sessionOn>>;

/** What the next holder of the session would find on it. */
async function findings(session: Session, fresh: Row, deep: boolean): Promise<string[]> {
  try {
    if (deep) return await deepStains(session);
    const [seen] = await session.query(`SELECT ${wholeProbes}`);
    return stainsIn(seen ?? {}, fresh, false);
  } catch (error) {
    return [foreignErrorOf(error) ?? `the probe itself fails: ${error}`];
  }
}

describe('the probes of a session', () => {
  before(async () => {
    stage = await openStage({ random: new Random(1) });
  });
  after(() => stage.close());

  it('find nothing on a fresh one, and each of the 25 stains', async () => {
    const url = stage.databaseUrl;
    const clean = await sessionOn(url);
    const [fresh = {}] = await clean.query(`SELECT ${wholeProbes}`);
    assert.deepEqual(await findings(clean, fresh, false), []);
    assert.deepEqual(await findings(clean, fresh, true), []);
    clean.end();
    assert.equal(STAINS.length, 25);
    for (const { name, sql, deep } of STAINS) {
      const session = await sessionOn(url);
      const token = randomUUID();
      for (const statement of sql(token)) {
        const rows = await session.query(statement);
        const columns = Array.isArray(rows) ? Object.keys(rows[0] ?? {}) : [];
        assert.ok(!columns.join().includes(token), `${name} leaves a parser for each token in the driver`);
      }
      const found = await findings(session, fresh, deep === true);
      session.end();
      assert.ok(found.length > 0, `nothing shows ${name}`);
      assert.ok(
        found.length <= 4 && !/the probe itself fails/.test(found.join()),
        `${name}: ${found.join()}`,
      );
    }
  });
});

describe('the evidence that is seen from inside', () => {
  let told: Violation[];
  let evidence: Evidence;

  beforeEach(() => {
    told = [];
    evidence = new Evidence(
      (report: Report) => void (report.kind === 'violation' && told.push(report)),
      1_000,
    );
  });

  afterEach(() => evidence.stop());

  const invariantsTold = () => told.map(({ invariant }) => invariant);

  it('knows which live request a connection serves already', () => {
    const live = new LiveRequests();
    const isLive = () => false;
    assert.equal(live.enter('1', 'a', isLive), undefined);
    assert.equal(live.enter('1', 'b', isLive), 'a');
    live.leave('1', 'a');
    assert.equal(live.enter('1', 'c', isLive), 'b', 'another one can not end it');
    live.leave('1', 'c');
    assert.equal(
      live.enter('1', 'd', () => true),
      undefined,
    );
    assert.equal(live.enter('1', 'e', isLive), undefined, 'the one before has been answered');
  });

  it('tells of a promise that settles late, and of one that never does, once', async () => {
    const late: string[] = [];
    const loop = new Loop();
    const deadlines = new Deadlines(loop, (detail) => late.push(detail));
    void deadlines.watch('never', 0, new Promise(() => {}));
    await deadlines.watch('in time', 60_000, Promise.resolve());
    while (late.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    deadlines.check();
    assert.equal(late.length, 1);
    assert.match(late[0] ?? '', /^never is not settled after/);
    deadlines.stop();
    loop.stop();
  });

  it('does not blame a promise for a process that was kept from running', async () => {
    const late: string[] = [];
    const loop = new Loop();
    const deadlines = new Deadlines(loop, (detail) => late.push(detail));
    const watched = deadlines.watch('a query', 100, new Promise((resolve) => setTimeout(resolve, 1)));
    const end = performance.now() + 300;
    while (performance.now() < end);
    await watched;
    assert.deepEqual(late, []);
    deadlines.stop();
    loop.stop();
  });

  it('knows for how long of any time until now the process was kept from running', async () => {
    const loop = new Loop();
    const turn = () => new Promise((resolve) => setTimeout(resolve, 30));
    await turn();
    const before = performance.now();
    while (performance.now() < before + 300);
    assert.ok(loop.stalledSince(before) > 200, 'one that is not over');
    await turn();
    assert.ok(loop.stalledSince(before) > 200, 'one that is');
    const after = performance.now();
    await turn();
    const since = performance.now() - after;
    assert.ok(loop.stalledSince(after) <= since, 'what was before does not count');
    loop.stop();
  });

  it('tells of a waiter that was passed by one that came much later', () => {
    const order = new GrantOrder();
    assert.equal(order.granted(1_000), 0);
    assert.equal(order.granted(2_000), 0);
    assert.equal(order.granted(1_500), 500);
    evidence.granted(5_000);
    assert.deepEqual(invariantsTold(), ['I16'], 'and of one that waited beyond its deadline');
  });

  it('finds a secret in a message, in a property, and deep in what is inspected', () => {
    const secrets = new Secrets();
    secrets.add('the password', 's3cret');
    const circular: Record<string, unknown> = { deep: { deeper: { password: 's3cret' } } };
    circular.self = circular;
    assert.equal(secrets.inside(new Error('with s3cret')), 'the password');
    assert.equal(secrets.inside(Object.assign(new Error('x'), { sql: 'SELECT s3cret' })), 'the password');
    assert.equal(secrets.inside(circular), 'the password');
    assert.equal(secrets.inside({ password: '***' }), undefined);
  });

  it('tells of a killed statement that nobody has cancelled, unless somebody kills statements', () => {
    const killed = Object.assign(new Error('interrupted'), { errno: 1317 });
    evidence.failed(killed, 'SELECT 1', true);
    evidence.faults(['kill-query']);
    evidence.failed(killed, 'SELECT 1', false);
    evidence.faults([]);
    evidence.failed(killed, 'SELECT 1', false);
    assert.deepEqual(told, [], 'a moment later it may still be the fault');
    const calm = new Evidence(
      (report: Report) => void (report.kind === 'violation' && told.push(report)),
      1_000,
    );
    calm.failed(killed, 'SELECT 1', false);
    calm.stop();
    assert.deepEqual(invariantsTold(), ['I11']);
  });

  it('takes errors that only the state of somebody else can cause for what they are', () => {
    evidence.failed(Object.assign(new Error('read only'), { errno: 1792 }), 'UPDATE', false);
    assert.deepEqual(invariantsTold(), ['I2']);
  });

  it('counts what it no longer tells in words', () => {
    for (let times = 0; times < 100; times++) evidence.violation('I3', 'the same again');
    assert.equal(evidence.counts['violations:I3'], 100);
    assert.ok(told.length < 100);
  });
});
