import type { Cast } from './cast.js';
import type { PlannedFault } from './faults/schedule.js';
import { openStage } from './faults/stage.js';
import type { ChaosOptions } from './options.js';
import { runPhase } from './phase.js';
import { planPhase } from './plan.js';
import { progressLine } from './progress.js';
import { Random } from './random.js';
import type { Recorder } from './recorder.js';
import type { PhaseResult } from './results.js';
import type { Contender, Framework } from './types.js';

const progressMs = 5_000;

/** Each framework in turn, each contender on it, under the same faults. */
export async function conduct(
  options: ChaosOptions,
  { recorder, log, signal }: { recorder: Recorder; log: (line: string) => void; signal: AbortSignal },
): Promise<{ results: PhaseResult[]; planned: PlannedFault[] }> {
  const { seed, frameworks, contenders, minutes, faults } = options;
  const phaseMs = (minutes * 60_000) / (frameworks.length * contenders.length);
  const seeds = new Random(seed);
  const stage = await openStage({
    random: seeds.fork(),
    onError: (error) => log(`behind the scenes: ${error}`),
  });
  const results: PhaseResult[] = [];
  const planned: PlannedFault[] = [];
  try {
    for (const framework of frameworks) {
      const frameworkSeed = seeds.int(0, 2 ** 31 - 1);
      const plan = planPhase(phaseMs, { seed: frameworkSeed, faults });
      planned.push(...plan.rounds.flat());
      for (const contender of contenders) {
        const watch = new Watch({ framework, contender, log, recorder });
        try {
          const result = await runPhase({
            ...plan,
            stage,
            framework,
            contender,
            seed: frameworkSeed,
            signal,
            onStep: (step, cast) => watch.step(step, cast),
          });
          results.push(result);
          recorder.phase(result);
        } finally {
          watch.stop();
        }
      }
    }
  } finally {
    await stage.close();
  }
  return { results, planned };
}

const startedAt = performance.now();

interface WatchOptions {
  framework: Framework;
  contender: Contender;
  log: (line: string) => void;
  recorder: Recorder;
}

/** Says every few seconds how it goes. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  #cast: Cast | undefined;
  #step = 'start';
  #before = { at: performance.now(), ok: 0, failed: 0 };

  constructor(options: WatchOptions) {
    this.#timer = setInterval(() => this.#say(options), progressMs);
  }

  step(step: string, cast: Cast): void {
    this.#step = step;
    this.#cast = cast;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #say({ framework, contender, log, recorder }: WatchOptions): void {
    const counts = this.#cast?.counts ?? {};
    const sum = (pattern: RegExp) =>
      Object.entries(counts).reduce((total, [name, count]) => total + (pattern.test(name) ? count : 0), 0);
    const now = { at: performance.now(), ok: sum(/ 200$/), failed: sum(/ [45]\d\d( |$)/) };
    const seconds = (now.at - this.#before.at) / 1_000;
    const progress = {
      elapsedMs: now.at - startedAt,
      framework,
      contender,
      step: this.#step,
      okPerSecond: (now.ok - this.#before.ok) / seconds,
      failedPerSecond: (now.failed - this.#before.failed) / seconds,
      violations: sum(/^violations:/),
    };
    this.#before = now;
    log(progressLine(progress));
    recorder.progress(progress, counts);
  }
}
