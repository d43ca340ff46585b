import assert from 'node:assert/strict';
import { expectedUnder } from './expected.js';
import { openStage, type Stage } from './faults/stage.js';
import { newSeed } from './options.js';
import { runPhase } from './phase.js';
import { Random } from './random.js';
import { planSmoke } from './smoke-plan.js';
import { frameworks } from './types.js';
import { failures } from './verdict.js';

const seed = Number(process.env.HANDBACK_SEED ?? newSeed());

describe(`all invariants under twelve faults (HANDBACK_SEED=${seed})`, function () {
  this.timeout(60_000);
  let stage: Stage;

  before(async () => {
    stage = await openStage({ random: new Random(seed) });
  });

  after(() => stage?.close());

  for (const framework of frameworks) {
    it(`hold on ${framework}`, async () => {
      const { verdict } = await runPhase({
        stage,
        framework,
        contender: 'handback',
        seed,
        warmUpMs: 500,
        baselineMs: 4_000,
        rounds: planSmoke(seed),
      });
      const failed = failures(verdict, expectedUnder(planSmoke(seed).flat()));
      const replay = `HANDBACK_SEED=${seed} npm test -- test/chaos/smoke.test.ts --grep ${framework}`;
      const inWords = failed.map(({ invariant, detail }) => `${invariant} ${detail}`).join('\n');
      assert.equal(failed.length, 0, `on ${framework}, seed ${seed}:\n${inWords}\nThe same again: ${replay}`);
    });
  }
});
