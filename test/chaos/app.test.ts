import { strict as assert } from 'node:assert';
import { eventually } from '@handback/contract/support/eventually.js';
import { createConnection } from 'mysql2/promise';
import { STAINS } from './app/stains.js';
import { audit, wrongsOf } from './bank.js';
import { resetBank, schemas, total } from './faults/schema.js';
import { openStage, type Stage } from './faults/stage.js';
import type { Buckets } from './load/tally.js';
import { Random } from './random.js';
import { Child } from './support/child.js';
import { appFile, appTask, loadFile, loadTask } from './support/tasks.js';
import { type AppState, type Contender, type Fates, type Framework, frameworks } from './types.js';

interface Run {
  app: Child;
  load: Child;
}

/** Every route about as often as any other, so that a short run has them all. */
const SHARES = {
  '/read': 10,
  '/transfer': 10,
  '/transfer-that-throws': 6,
  '/dirty': 10,
  '/double-release': 3,
  '/never': 2,
  '/mistake': 2,
};

let stage: Stage;

async function withRun(framework: Framework, contender: Contender, work: (run: Run) => Promise<void>) {
  await resetBank(stage.admin);
  const app = new Child(appFile, appTask(stage, framework, contender));
  let load: Child | undefined;
  try {
    const port = await app.ready();
    load = new Child(loadFile, loadTask(port, { shares: SHARES }));
    await load.ready();
    await work({ app, load });
  } finally {
    await load?.kill();
    await app.kill();
  }
}

async function auditOf(fates: Fates): Promise<string[]> {
  const bank = await createConnection({ uri: stage.server.url, database: schemas.main });
  return audit(bank, fates, total)
    .then(wrongsOf)
    .finally(() => bank.end());
}

const countsOf = (counts: Record<string, number>, prefix: string) =>
  Object.keys(counts).filter((name) => name.startsWith(prefix));

/** It has been asked for everything, and has looked at its sessions in all ways. */
function sawAll({ counts }: Child): void {
  assert.equal(countsOf(counts, 'route:').length, 15, 'every route');
  assert.equal(countsOf(counts, 'stain:').length, STAINS.length, 'every stain');
  for (const look of ['shallow', 'whole', 'deep']) assert.ok(counts[`looks:${look}`], look);
}

describe('the app under test and its clients, without faults', () => {
  before(async () => {
    stage = await openStage({ random: new Random(1) });
  });
  after(() => stage.close());

  for (const framework of frameworks) {
    it(`serves every route on ${framework}, and nothing is found against Handback`, () =>
      withRun(framework, 'handback', async ({ app, load }) => {
        await eventually(() => sawAll(app), 15_000);
        await load.ask('end');
        const fates = await load.ask<Fates>('fates');
        assert.deepEqual(await auditOf(fates), []);
        assert.ok(fates.unknown.length < fates.acknowledged.length);
        const answers = await load.ask<Record<string, number>>('counts');
        for (const kind of ['function', 'hand', 'route']) {
          assert.ok(answers[`/transfer/${kind} 200`], `${kind}: acknowledged`);
          assert.ok(answers[`/transfer-that-throws/${kind} 500 THROWN`], `${kind}: failed`);
        }
        const { ok } = await load.ask<Buckets>('buckets');
        const acknowledged = Object.entries(answers).filter(([answer]) => answer.endsWith(' 200'));
        const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
        assert.equal(sum(ok), sum(acknowledged.map(([, count]) => count)));
        await eventually(async () => {
          const { leased, pending } = await app.ask<AppState>('state');
          assert.deepEqual({ leased, pending }, { leased: 0, pending: 0 });
        });
        await app.ask('end');
        assert.deepEqual(app.violations, []);
        assert.equal(app.output + load.output, '');
      }));
  }

  it('finds much against a pool that cleans nothing', () =>
    withRun('express', 'mysql2', async ({ app }) => {
      await eventually(() => {
        for (const name of ['I1', 'I2', 'I13', 'I15']) assert.ok(app.counts[`violations:${name}`], name);
      }, 15_000);
      assert.ok(app.violations.length > 4);
    }));
});
