import assert from 'node:assert/strict';
import type { PlannedFault } from './faults/schedule.js';
import { openStage, type Stage } from './faults/stage.js';
import { runPhase } from './phase.js';
import { Random } from './random.js';
import type { Contender, FaultName, Invariant } from './types.js';
import type { Verdict } from './verdict.js';

// The test of the tests: for each invariant there is something wrong that its detector finds, and that Handback, in the
// same run, does not do. Where a pool of the field does it by itself, that one serves.

/** What happens in a short run. */
interface Play {
  baselineMs: number;
  rounds: PlannedFault[][];
  shares?: Record<string, number>;
}

const one = (fault: FaultName, lastsMs: number): PlannedFault[] => [{ at: 0, fault, lastsMs }];

const plays = {
  calm: {
    baselineMs: 2_000,
    rounds: [],
    shares: { '/dirty': 15, '/transfer-that-throws': 15, '/stream': 10, '/mistake': 5 },
  },
  'slow statements': { baselineMs: 2_000, rounds: [], shares: { '/sleep': 60, '/forget': 40 } },
  // A read has two statements at once: a second reply to the one is there before the other's own.
  'replies that come twice': {
    baselineMs: 0,
    rounds: [one('duplicate-reply', 4_000)],
    shares: { '/read': 100 },
  },
  'replies of COMMIT that are lost': {
    baselineMs: 0,
    rounds: [one('swallow-commit', 1_500)],
    shares: { '/transfer': 100 },
  },
  silence: { baselineMs: 3_500, rounds: [one('blackhole', 1_000), one('blackhole', 1_000)] },
  'a server that is down': { baselineMs: 500, rounds: [one('restart', 2_700)] },
} satisfies Record<string, Play>;
type PlayName = keyof typeof plays;

/** What finds it, who does it, and in which words it is found. */
const calibration: Array<[Invariant, Contender, PlayName, RegExp]> = [
  ['I1', 'mutant:lends-twice', 'calm', /^connection .* serves .* and, still, /],
  ['I2', 'mysql2', 'calm', /^a request found on connection .*instead of/],
  ['I3', 'mysql2', 'replies that come twice', /^a SELECT of '.*' was answered with '/],
  ['I4', 'mutant:never-commits', 'calm', /was acknowledged and is not in the ledger/],
  ['I4', 'mysql2', 'replies of COMMIT that are lost', /was reported as failed and is in the ledger/],
  ['I5', 'mysql2', 'calm', /^the bank holds \d+, and was given \d+/],
  ['I6', 'mutant:cuts', 'slow statements', /^\d\d threads of the account, 9 allowed: .*SLEEP/],
  ['I7', 'mysql2', 'silence', /is not settled after \d+ ms/],
  ['I8', 'mutant:forgets', 'calm', /^left after the load: .*2 leased/],
  ['I9', 'mysql2', 'silence', /answers per second within .* of the healing, \d+ before/],
  ['I10', 'mutant:listens-on', 'calm', /MaxListeners|memory leak detected/],
  ['I11', 'mutant:kills-late', 'slow statements', /was killed, and nobody had cancelled it/],
  ['I12', 'mutant:never-clears', 'calm', /the number of timers grew by/],
  ['I13', 'mysql2', 'calm', /ran in the context of/],
  ['I14', 'mutant:storms', 'a server that is down', /connection attempts in one second of an outage/],
  ['I15', 'mysql2', 'calm', /^(the password|a bound value) is in /],
  ['I16', 'mutant:last-first', 'calm', /^a connection went to one that had asked .* later/],
  ['I17', 'mutant:loses-count', 'calm', /^acquired - released = /],
];

/** A statement behind one that is killed at its limit waits for the KILL, up to a second. */
const deadlines = { acquireTimeoutMs: 1_500, queryTimeoutMs: 500, drainTimeoutMs: 300 };
/** At once, each on a stage of its own: they wait more than they compute. */
const lanes = 2;
/** With this one a COMMIT whose reply is lost ends in a reset: the driver reports an error. */
const seed = 18;

const durationOf = (name: PlayName) => plays[name].baselineMs + 5_000 * plays[name].rounds.length;

describe('what each detector of the chaos run is shown to find', function () {
  this.timeout(300_000);
  const verdicts = new Map<string, Verdict>();

  before(async () => {
    const runs = new Set<`${Contender} in ${PlayName}`>();
    const longestFirst = calibration.toSorted(([, , a], [, , b]) => durationOf(b) - durationOf(a));
    for (const [, contender, play] of longestFirst)
      runs.add(`${contender} in ${play}`).add(`handback in ${play}`);
    const waiting = [...runs];
    await Promise.all(Array.from({ length: lanes }, () => lane(waiting)));
    // On a busy machine too little may have been asked for in that time: once more, alone, and for longer.
    const again = calibration.flatMap(([invariant, contender, name]) => {
      const outcomeOf = (run: string) => verdicts.get(run)?.[invariant].outcome;
      const [wrong, right] = [`${contender} in ${name}`, `handback in ${name}`];
      return [
        ...(outcomeOf(wrong) === 'violated' ? [] : [wrong]),
        ...(outcomeOf(right) === 'not observed' ? [right] : []),
      ];
    });
    await lane([...new Set(again)], 3);
  });

  async function lane(waiting: string[], times = 1): Promise<void> {
    if (waiting.length === 0) return;
    const stage = await openStage({ random: new Random(seed) });
    try {
      for (let run = waiting.shift(); run; run = waiting.shift())
        verdicts.set(run, await play(stage, run, times));
    } finally {
      await stage.close();
    }
  }

  async function play(stage: Stage, run: string, times: number): Promise<Verdict> {
    const [contender, name] = run.split(' in ') as [Contender, PlayName];
    const { baselineMs, rounds, shares }: Play = plays[name];
    const { verdict } = await runPhase({
      stage,
      contender,
      framework: 'fastify',
      seed,
      deadlines,
      warmUpMs: 300,
      baselineMs: times * baselineMs,
      rounds: Array.from({ length: times }, () => rounds).flat(),
      load: { requestsPerSecond: 120, ...(shares && { shares }) },
      restMs: 700,
    });
    return verdict;
  }

  for (const [invariant, contender, name, words] of calibration) {
    it(`${invariant}: ${contender} in ${name}`, () => {
      const found = verdicts.get(`${contender} in ${name}`)?.[invariant];
      assert.equal(found?.outcome, 'violated');
      assert.match(found.details.join('\n'), words);
    });
  }

  for (const name of Object.keys(plays) as PlayName[]) {
    it(`Handback in ${name}: nothing`, () => {
      const verdict = verdicts.get(`handback in ${name}`);
      const violated = Object.entries(verdict ?? {}).filter(([, { outcome }]) => outcome === 'violated');
      assert.deepEqual(violated, []);
      for (const [invariant, , of] of calibration)
        if (of === name) assert.equal(verdict?.[invariant].outcome, 'ok', `${invariant} was looked at`);
    });
  }
});
