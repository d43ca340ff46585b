import { AppProcess } from './app-process.js';
import type { Framework } from './contender.js';
import { Load } from './load.js';
import { paths, type Route } from './work.js';

/** One contender at one route, in a process of its own. */
export interface Cell {
  /** As it is called among the results. */
  readonly name: string;
  readonly framework: Framework;
  /** Its file in `apps/<framework>/`. */
  readonly contender: string;
  readonly route: Route;
  /** What a request of it costs beside one of the others, roughly: it gets fewer of them. @default 1 */
  readonly costs?: number;
}

export interface Comparison {
  readonly cells: readonly Cell[];
  readonly uri: string;
  readonly rounds: number;
  /** How often each has its turn in a round. */
  readonly slices: number;
  /** In each turn. */
  readonly requests: number;
  readonly signal: AbortSignal;
}

export interface Measured {
  readonly name: string;
  /** User and system time of the process per request, in microseconds: of each round. */
  readonly cpuUs: number[];
  /** The same of each turn of each round. */
  readonly turnsUs: number[][];
  /** Requests per second of each round, for information: it depends on whatever else runs. */
  readonly perSecond: number[];
  /** Connections it has taken, if it counts them. */
  readonly acquired: number | null;
}

/** As many as a pool has connections by default, in all of the drivers: nobody waits for one. */
const CLIENTS = 10;
const WARM_UP_REQUESTS = 8_000;

/**
 * What a request costs each of them, measured side by side: all processes stay up, and have their turns of some ten
 * milliseconds one after the other, in an order that is turned round each time.
 */
export async function compare(comparison: Comparison): Promise<Measured[]> {
  const { cells, uri, signal } = comparison;
  const subjects: Subject[] = [];
  try {
    for (const cell of cells) subjects.push(await Subject.start(cell, uri, signal));
    for (const subject of subjects) await subject.turn(WARM_UP_REQUESTS);
    for (let round = 0; round < comparison.rounds; round++) await measureRound(subjects, comparison);
    return await Promise.all(subjects.map((subject) => subject.measured()));
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}

async function measureRound(subjects: readonly Subject[], { slices, requests, signal }: Comparison) {
  for (const subject of subjects) subject.beginRound();
  for (let slice = 0; slice < slices; slice++) {
    const order = slice % 2 === 0 ? subjects : [...subjects].reverse();
    for (const subject of order) {
      signal.throwIfAborted();
      await subject.measureTurn(requests);
    }
  }
}

interface Round {
  cpuUs: number;
  turnsUs: number[];
  ms: number;
  requests: number;
}

class Subject {
  readonly #cell: Cell;
  readonly #app: AppProcess;
  readonly #load: Load;
  readonly #rounds: Round[] = [];

  private constructor(cell: Cell, app: AppProcess, load: Load) {
    this.#cell = cell;
    this.#app = app;
    this.#load = load;
  }

  static async start(cell: Cell, uri: string, signal: AbortSignal): Promise<Subject> {
    const { framework, contender } = cell;
    const app = await AppProcess.start({ framework, contender, uri }, signal);
    try {
      return new Subject(cell, app, await Load.open(app.port, CLIENTS));
    } catch (error) {
      await app.stop();
      throw error;
    }
  }

  beginRound(): void {
    this.#rounds.push({ cpuUs: 0, turnsUs: [], ms: 0, requests: 0 });
  }

  /** @returns how many requests it was given */
  async turn(requests: number): Promise<number> {
    const { route, costs = 1 } = this.#cell;
    const own = Math.ceil(requests / costs);
    await this.#load.run(paths[route], own);
    return own;
  }

  async measureTurn(requests: number): Promise<void> {
    const round = this.#rounds.at(-1);
    if (!round) throw new Error('no round has begun');
    const cpuBefore = await this.#app.cpuUs();
    const before = performance.now();
    const own = await this.turn(requests);
    round.ms += performance.now() - before;
    const cpuUs = (await this.#app.cpuUs()) - cpuBefore;
    round.requests += own;
    round.cpuUs += cpuUs;
    round.turnsUs.push(cpuUs / own);
  }

  async measured(): Promise<Measured> {
    return {
      name: this.#cell.name,
      cpuUs: this.#rounds.map(({ cpuUs, requests }) => cpuUs / requests),
      turnsUs: this.#rounds.map(({ turnsUs }) => turnsUs),
      perSecond: this.#rounds.map(({ ms, requests }) => (1000 * requests) / ms),
      acquired: await this.#app.acquired(),
    };
  }

  async stop(): Promise<void> {
    this.#load.close();
    await this.#app.stop();
  }
}
