import { runChild } from '../measure/child.js';
import { median } from '../measure/median.js';
import type { ConnectionFacts } from '../measure/server.js';
import type { CellTask } from './cell.js';
import { type ContenderId, contenders, peers } from './contenders.js';
import type { Measured } from './measured.js';
import { type Scenario, type ScenarioId, scenarios } from './scenarios.js';

/** What a cell is: who, and doing what. */
export interface CellName {
  readonly contender: ContenderId;
  readonly scenario: ScenarioId;
}

/** One value of a cell: `{ contender: 'floor', scenario: 'idle', value: 'ns' }`. */
export interface ValueName extends CellName {
  readonly value: string;
}

export interface RoundsOptions {
  readonly connection: ConnectionFacts;
  readonly signal: AbortSignal;
  readonly rounds: number;
  progress(line: string): void;
}

export interface AtMost {
  /** Where so many rounds are enough; none = as many as were asked for. */
  readonly rounds?: number;
  /** Peers are shown, not judged: fewer rounds are enough for them, and one where a round of them takes a minute. */
  readonly peerRounds?: number;
}

const usualPeerRounds = 3;

/** A cell that takes longer has failed; its pool's own deadlines are shorter. */
const cellTimeoutMs = 90_000;

/** Everything that was measured, by round. */
export class Rounds {
  readonly #measured = new Map<string, Measured[]>();
  readonly #options: RoundsOptions;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Runs the cells one after the other, there and back again, so that what drifts falls on all of them. */
  async run(title: string, cells: readonly CellName[], most: AtMost = {}): Promise<void> {
    const { rounds, progress } = this.#options;
    const { peerRounds = usualPeerRounds } = most;
    const wanted = Math.min(rounds, most.rounds ?? rounds);
    for (let round = 0; round < wanted; round++) {
      progress(`${title}, round ${round + 1} of ${wanted}`);
      const due = round < peerRounds ? cells : cells.filter(isJudged);
      for (const cell of round % 2 === 0 ? due : due.toReversed())
        this.record(cell, await this.#measure(cell));
    }
  }

  /** What the cell found in its next round. */
  record(cell: CellName, measured: Measured): void {
    const key = keyOf(cell);
    this.#measured.set(key, [...(this.#measured.get(key) ?? []), measured]);
  }

  async #measure({ contender, scenario }: CellName): Promise<Measured> {
    const { connection, signal, progress } = this.#options;
    const { nodeOptions }: Scenario = scenarios[scenario];
    const task: CellTask = { contender, scenario, connection };
    try {
      return await runChild<Measured>({
        program: new URL('./cell.js', import.meta.url),
        task,
        signal: AbortSignal.any([signal, AbortSignal.timeout(cellTimeoutMs)]),
        ...(nodeOptions ? { nodeOptions } : {}),
      });
    } catch (error) {
      signal.throwIfAborted();
      const reason = reasonOf(error as Error);
      progress(`${contenders[contender].name}, ${scenario}: ${reason}`);
      return { failed: reason };
    }
  }

  /** By round; NaN where it could not be measured, or was not this time. */
  values({ value, ...cell }: ValueName): number[] {
    const measured = this.#measured.get(keyOf(cell)) ?? [];
    return Array.from(measured, (one) => (typeof one?.[value] === 'number' ? one[value] : Number.NaN));
  }

  /** Why there is no such value in some round; undefined = there is in all. */
  failure({ value, ...cell }: ValueName): string | undefined {
    const measured = this.#measured.get(keyOf(cell)) ?? [];
    for (const one of measured) {
      if (typeof one?.[value] === 'number') continue;
      const reason = String(one?.[value] ?? one?.failed ?? 'not measured');
      return reason.split('\n', 1)[0];
    }
    return measured.length === 0 ? 'not measured' : undefined;
  }

  /** How many times the base it is, in each round that has both. */
  ratios(of: ValueName, base: ValueName): number[] {
    const bases = this.values(base);
    return this.values(of).map((value, round) => value / (bases[round] ?? Number.NaN));
  }

  /** Everything, for the JSON. */
  get raw(): Record<string, Measured[]> {
    return Object.fromEntries(this.#measured);
  }
}

function keyOf({ contender, scenario }: CellName): string {
  return `${scenario} ${contender}`;
}

function isJudged({ contender }: CellName): boolean {
  return !peers.includes(contender);
}

/** The median of the rounds; NaN where one of them failed. */
export function medianOf(values: readonly number[]): number {
  return values.length === 0 || values.some(Number.isNaN) ? Number.NaN : median(values);
}

/** The line that says it, of a message with the output of a process in it. */
function reasonOf({ name, message }: Error): string {
  if (name === 'AbortError') return `took longer than ${cellTimeoutMs / 1_000} s`;
  const lines = message.split('\n');
  const line = lines.find((one) => /^\w*Error\b.*:/.test(one)) ?? lines.slice(0, 2).join(' ');
  return line.slice(0, 200);
}
