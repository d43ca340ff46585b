import assert from 'node:assert/strict';
import { expectedUnder } from './expected.js';
import { type Figures, figuresTable, invariantsTable, type PhaseResult } from './results.js';
import { allInvariants, judge } from './verdict.js';

const figures: Figures = {
  ok: 1_000,
  failed: 10,
  sawAnothersState: 0,
  beganInForeignTransaction: 0,
  acknowledged: 200,
  acknowledgedLost: 0,
  overDeadline: 0,
  neverSettled: 0,
  crashes: 0,
  threadLimit: 9,
  mostThreads: 9,
  baseline: 100,
  recovered: 99,
};
const checks = Object.fromEntries(allInvariants.map((invariant) => [invariant, 1]));
const nothing = { violations: [], violationCounts: {}, checks, looks: [] };

const result = (of: Partial<PhaseResult>): PhaseResult => ({
  framework: 'koa',
  contender: 'handback',
  figures,
  verdict: judge(nothing),
  seconds: [],
  ...of,
});

describe('the tables of a chaos run', () => {
  it('put Handback last, behind those that it is compared with', () => {
    const results = [result({}), result({ contender: 'mariadb' }), result({ contender: 'mysql2' })];
    assert.match(figuresTable(results), /^\| +\| mysql2's pool \| mariadb's pool \| +Handback \|/);
  });

  it('add up the frameworks, and say that nobody knows where one of them is not known', () => {
    const table = figuresTable([result({}), result({ framework: 'express' })]);
    assert.match(table, /requests answered OK .*\| +2 000 \|/);
    assert.match(table, /of them lost .*\| +0 \|/);
    assert.match(table, /of them doubled .*\| +\? \|/);
    assert.match(table, /rate after .*99 %, 99 %/);
  });

  it('show how often an invariant was violated, and what was not observed', () => {
    const violated = { ...nothing, violationCounts: { I2: 6853 } };
    const peer = result({ contender: 'mysql2', verdict: judge({ ...violated, checks: { I2: 1 } }) });
    const table = invariantsTable([result({}), peer]);
    assert.match(table, /I2 .*\| +violated 6 853× \| +ok \|/);
    assert.match(table, /I1 .*\| +not observed \| +ok \|/);
  });
});

describe('what a run must have looked at', () => {
  it('is everything, but for the storm where there is no outage to storm in', () => {
    const restart = { fault: 'restart', at: 0, lastsMs: 2_000 } as const;
    assert.deepEqual(expectedUnder([restart]), allInvariants);
    assert.deepEqual(
      expectedUnder([{ ...restart, lastsMs: 1_000 }]),
      allInvariants.filter((invariant) => invariant !== 'I14'),
    );
  });
});
