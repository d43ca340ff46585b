import { Child } from './child.js';
import type { Stage } from './faults/stage.js';
import {
  type AppTask,
  type Fates,
  type FaultName,
  type Invariant,
  invariants,
  type LoadTask,
  type Second,
  type Violation,
  type WatcherTask,
} from './types.js';

export interface Tasks {
  app: Omit<AppTask, 'databaseUrl' | 'passwordFile'>;
  load: Omit<LoadTask, 'port'>;
  total: number;
}

/** So many violations of each kind are kept in words. */
const kept = 20;
/** A pool gets five seconds to close. */
const shutdownMs = 7_000;

/** The processes of one contender on one framework: the app, its clients, and the watcher. */
export class Cast {
  readonly #violations: Violation[] = [];
  readonly #children: Child[] = [];
  #app: Child | undefined;
  #load: Child | undefined;
  #watcher: Child | undefined;

  /** @throws {Error} when one of them does not start; none is left then */
  static async start(stage: Stage, tasks: Tasks): Promise<Cast> {
    const cast = new Cast();
    try {
      await cast.#start(stage, tasks);
      return cast;
    } catch (error) {
      await cast.kill();
      throw error;
    }
  }

  async #start(stage: Stage, { app, load, total }: Tasks): Promise<void> {
    const { account, databaseUrl, watcherUrl } = stage;
    const watcherTask: WatcherTask = {
      databaseUrl: watcherUrl,
      appUser: account.user,
      // One for the connection that kills statements.
      threadLimit: app.max + 1,
      total,
    };
    const appTask: AppTask = { ...app, databaseUrl, passwordFile: account.passwordFile };
    const nodeOptions = ['--expose-gc'];
    [this.#watcher, this.#app] = await Promise.all([
      this.#child('the watcher', './watcher/main.js', watcherTask),
      this.#child('the app', './app/main.js', appTask, nodeOptions),
    ]);
    const loadTask: LoadTask = { ...load, port: this.#app.port ?? 0 };
    this.#load = await this.#child('the load', './load/main.js', loadTask);
  }

  async #child(name: string, program: string, task: unknown, nodeOptions: string[] = []): Promise<Child> {
    const onViolation = (violation: Violation) => this.#report(violation);
    const child = Child.begin({ name, program, task, nodeOptions, onViolation });
    this.#children.push(child);
    await child.ready;
    return child;
  }

  #report({ invariant, detail }: Violation): void {
    const same = this.#violations.filter((violation) => violation.invariant === invariant);
    if (same.length < kept) this.#violations.push({ invariant, detail });
  }

  get violations(): Violation[] {
    return [...this.#violations];
  }

  /** Of all processes together, by name. */
  get counts(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { counts } of this.#children) {
      for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
    }
    return sums;
  }

  /** What is counted as `<prefix>:I1` and so on. */
  countsOf(prefix: 'checked' | 'violations'): Partial<Record<Invariant, number>> {
    const { counts } = this;
    const named = (Object.keys(invariants) as Invariant[]).map((name) => [name, counts[`${prefix}:${name}`]]);
    return Object.fromEntries(named.filter(([, count]) => count !== undefined));
  }

  /** How the process under test ended, if it did. */
  get crash(): string | undefined {
    return this.#app?.exit;
  }

  faults(active: FaultName[]): void {
    for (const child of this.#children) child.tell({ kind: 'faults', active });
  }

  /** The clients are part of the run: without them it is none. */
  seconds(): Promise<Second[]> {
    return this.#the(this.#load).ask('seconds');
  }

  misbehave(kind: FaultName | null): Promise<void> {
    return this.#the(this.#load).ask('misbehave', kind);
  }

  fates(): Promise<Fates> {
    return this.#the(this.#load).ask('fates');
  }

  endLoad(): Promise<void> {
    return this.#the(this.#load).ask('end', undefined, 60_000);
  }

  askWatcher<T>(what: string): Promise<T> {
    return this.#the(this.#watcher).ask(what);
  }

  /** Undefined when it has ended or does not answer: that is a finding, and not the end of the run. */
  async askApp<T>(what: string): Promise<T | undefined> {
    try {
      return await this.#the(this.#app).ask<T>(what, undefined, 15_000);
    } catch (error) {
      this.#report({ invariant: 'I10', detail: (error as Error).message });
      return undefined;
    }
  }

  /** The app shuts down: its server and its pool. */
  async endApp(): Promise<void> {
    try {
      await this.#the(this.#app).ask('end', undefined, shutdownMs);
    } catch (error) {
      this.#report({ invariant: 'I7', detail: `shutting down: ${(error as Error).message}` });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }

  /** At once, and not politely. */
  async kill(): Promise<void> {
    for (const child of this.#children) child.kill();
    await Promise.all(this.#children.map((child) => child.exited));
  }

  #the(child: Child | undefined): Child {
    if (!child) throw new Error('the processes are not there yet');
    return child;
  }
}
