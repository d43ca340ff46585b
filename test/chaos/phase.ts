import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolState } from './app/contender.js';
import type { Memory } from './app/memory.js';
import { lookAtAttempts } from './attempts.js';
import { compare } from './bank.js';
import { bankViolations } from './bank-violations.js';
import { Cast } from './cast.js';
import type { Look } from './evidence.js';
import { FaultLog } from './fault-log.js';
import { runFaults } from './faults/runner.js';
import type { PlannedFault } from './faults/schedule.js';
import { bank, resetBank, total } from './faults/schema.js';
import type { Stage } from './faults/stage.js';
import { figuresOf } from './figures.js';
import { lookAtGrowth } from './growth.js';
import { readLedger } from './ledger.js';
import { baselineOf, lookAtRecovery, rateAfter, recovered, recoveryWindowMs } from './recovery.js';
import type { PhaseResult } from './results.js';
import type { Contender, Deadlines, Framework, LoadTask, Second } from './types.js';
import { judge } from './verdict.js';
import { type Remains, remainsInWords } from './watcher/remains.js';

export interface PhaseOptions {
  stage: Stage;
  framework: Framework;
  contender: Contender;
  /** The same for each contender: they get the same faults and the same requests. */
  seed: number;
  warmUpMs: number;
  baselineMs: number;
  /** The faults of each round. */
  rounds: readonly PlannedFault[][];
  /** Of the load, where it is not the usual one. */
  load?: Pick<LoadTask, 'requestsPerSecond' | 'shares'>;
  deadlines?: Deadlines;
  /** That long after the last answer nothing may be left. */
  restMs?: number;
  signal?: AbortSignal | undefined;
  onStep?: (step: string, cast: Cast) => void;
}

const max = 8;
const usualDeadlines: Deadlines = { acquireTimeoutMs: 2_000, queryTimeoutMs: 2_000, drainTimeoutMs: 1_000 };
const clients = 24;
const usualRestMs = 2_000;

/** One contender on one framework: without faults, with them, and what is left afterwards. */
export async function runPhase(options: PhaseOptions): Promise<PhaseResult> {
  const { stage, framework, contender, seed, load, deadlines = usualDeadlines } = options;
  await resetBank(stage.admin);
  const cast = await Cast.start(stage, {
    app: { framework, contender, max, deadlines, seed },
    load: {
      clients,
      seed,
      accounts: bank.accounts,
      deadlines,
      ...load,
    },
    total,
  });
  const phase = new Phase(options, cast);
  try {
    const result = await phase.run();
    await cast.stop();
    return result;
  } finally {
    await cast.kill();
    await stage.admin.killAllOf(stage.account.user);
    await stage.account.restore();
  }
}

class Phase {
  readonly #options: PhaseOptions;
  readonly #cast: Cast;
  readonly #log = new FaultLog();
  readonly #looks: Look[] = [];
  #baseline: number | undefined;
  #recovered: number | undefined;

  constructor(options: PhaseOptions, cast: Cast) {
    this.#options = options;
    this.#cast = cast;
  }

  async run(): Promise<PhaseResult> {
    const before = await this.#measureBaseline();
    for (const round of this.#options.rounds) {
      await this.#break(round);
      await this.#recover();
    }
    this.#step('the load ends');
    const seconds = await this.#cast.seconds();
    await this.#cast.endLoad();
    await this.#lookAtRest();
    return this.#conclude(before, seconds);
  }

  async #measureBaseline(): Promise<Memory | undefined> {
    const { warmUpMs, baselineMs } = this.#options;
    this.#step('warm-up');
    await this.#pause(warmUpMs);
    this.#step('baseline');
    const before = await this.#cast.askApp<Memory>('memory');
    const from = Date.now();
    await this.#pause(baselineMs);
    this.#baseline = baselineOf(await this.#cast.seconds(), { from, to: Date.now() });
    return before;
  }

  async #break(round: readonly PlannedFault[]): Promise<void> {
    const { stage, seed, signal } = this.#options;
    this.#step('faults');
    this.#log.beginRound(round);
    stage.clients = {
      misbehave: (kind) => this.#cast.misbehave(kind),
      behave: () => this.#cast.misbehave(null),
    };
    await runFaults({
      plan: round,
      stage,
      seed,
      ...(signal && { signal }),
      onActive: (active) => {
        this.#log.active(active);
        this.#cast.faults(active);
        this.#step(active.join(' + ') || 'faults');
      },
    });
    signal?.throwIfAborted();
  }

  async #recover(): Promise<void> {
    this.#step('recovery');
    const healedAt = Date.now();
    let seconds: Second[] = [];
    const baseline = this.#baseline ?? 0;
    do {
      await this.#pause(1_000);
      seconds = await this.#cast.seconds();
      this.#recovered = rateAfter(seconds, healedAt);
    } while (Date.now() < healedAt + recoveryWindowMs && (this.#recovered ?? 0) < baseline * recovered);
    const look = lookAtRecovery(seconds, baseline, healedAt);
    if (look) this.#looks.push(look);
  }

  /** I8: once the clients are gone, and once more when something was left. */
  async #lookAtRest(): Promise<void> {
    const { restMs = usualRestMs } = this.#options;
    for (let look = 0; look < 2; look++) {
      await this.#pause(restMs);
      const left = await this.#left();
      this.#looks.push({
        invariant: 'I8',
        beyond: left !== undefined,
        detail: `left after the load: ${left}`,
      });
      if (left === undefined) return;
    }
  }

  async #left(): Promise<string | undefined> {
    const remains = await this.#cast.askWatcher<Remains>('remains');
    const pool = await this.#cast.askApp<PoolState>('stats');
    const inPool = pool && [
      pool.leased > 0 && `${pool.leased} leased`,
      pool.pending > 0 && `${pool.pending} waiting`,
    ];
    const words = [...(inPool || []), remainsInWords(remains)].filter(Boolean);
    return words.length === 0 ? undefined : words.join(', ');
  }

  async #conclude(before: Memory | undefined, seconds: Second[]): Promise<PhaseResult> {
    const { framework, contender, stage } = this.#options;
    const cast = this.#cast;
    const after = await cast.askApp<Memory>('memory');
    if (before && after) this.#looks.push(...lookAtGrowth(before, after));
    this.#looks.push(...lookAtAttempts(this.#log.attempts(stage), this.#log.outages));
    const held = await cast.askWatcher<number>('total');
    const ledger = compare(await cast.fates(), await readLedger(stage));
    await cast.endApp();
    const { crash, counts } = cast;
    const transfers = bankViolations(ledger);
    const violations = [...cast.violations, ...transfers.slice(0, 20)];
    const violationCounts = { ...cast.countsOf('violations'), I4: transfers.length };
    const checks = { ...cast.countsOf('checked'), I4: ledger.acknowledged };
    if (crash !== undefined) violations.push({ invariant: 'I10', detail: `the process has ended: ${crash}` });
    const verdict = judge({ violations, violationCounts, checks, looks: this.#looks });
    const figures = figuresOf({
      counts,
      ledger,
      crashed: crash !== undefined,
      bankOff: held - total,
      threadLimit: max + 1,
      baseline: this.#baseline,
      recovered: this.#recovered,
    });
    return { framework, contender, figures, verdict, seconds };
  }

  #step(step: string): void {
    this.#options.onStep?.(step, this.#cast);
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    await sleep(ms, undefined, signal ? { signal } : {});
  }
}
