import { setTimeout as wait } from 'node:timers/promises';
import { App } from './app.js';
import { doctor } from './handback.js';
import { grouped, Operator } from './operator.js';
import { OtherService } from './other-service.js';
import { type AccountName, Database } from './server.js';
import { counted, folded, linesOf } from './text.js';
import { worries } from './worries.js';

const DEADLINE_MS = 15_000;

export interface Consultation {
  /** Whose the url is: the application's, unless the server is full. */
  readonly account?: AccountName;
  /** Of the command. */
  readonly options?: readonly (string | number)[];
  /** The application that tells of its pool. */
  readonly app?: App | undefined;
  /** Ids of findings. */
  readonly about?: readonly string[];
}

/** Where an incident happens: a server, its applications, an operator who looks on. Everything is gone after `close()`. */
export class Stage {
  readonly isShort: boolean;
  readonly operator: Operator;
  readonly #database: Database;
  readonly #print: (text: string) => void;
  readonly #apps: App[] = [];
  readonly #services: OtherService[] = [];
  #sides = 0;

  private constructor(database: Database, isShort: boolean, print: (text: string) => void) {
    this.#database = database;
    this.operator = new Operator(database);
    this.isShort = isShort;
    this.#print = print;
  }

  static async open(limits: string[], isShort: boolean, print: (text: string) => void): Promise<Stage> {
    return new Stage(await Database.start(limits), isShort, print);
  }

  get port(): number {
    return this.#database.server.port;
  }

  get version(): string {
    return this.#database.server.version;
  }

  url(account: AccountName): string {
    return this.#database.url(account);
  }

  /** One side of it. Where there is time, the server's counters begin anew. */
  async begin(words: string): Promise<void> {
    if (this.#sides > 0 && !this.isShort) await this.#database.restart();
    this.#sides += 1;
    this.say(`\n${words}\n`);
  }

  say(text: string): void {
    this.#print(text);
  }

  /** Starts applications, all at once. `env` besides the address of the database. */
  async start(
    file: string,
    { count = 1, ...env }: { count?: number } & Record<string, string | number> = {},
  ): Promise<App[]> {
    const texts = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
    const apps = Array.from(
      { length: count },
      () => new App(file, { DATABASE_URL: this.url('shop'), ...texts }),
    );
    this.#apps.push(...apps);
    return Promise.all(apps.map((app) => app.started()));
  }

  async startOne(file: string, env: Record<string, string | number> = {}): Promise<App> {
    const [app] = await this.start(file, env);
    return app as App;
  }

  /** Ends the applications, and what they have left on the server. */
  async clear(): Promise<void> {
    await Promise.all(this.#apps.splice(0).map((app) => app.stop()));
    await this.operator.clear();
  }

  async otherService(): Promise<{ service: OtherService; url: string }> {
    const service = new OtherService();
    this.#services.push(service);
    return { service, url: await service.start() };
  }

  /** The process list, as it is now. */
  async showThreads(): Promise<void> {
    this.say(`mysql> show full processlist;\n${grouped(await this.operator.threads()).join('\n')}\n`);
  }

  async showStatus(...names: string[]): Promise<void> {
    for (const name of names)
      this.say(`mysql> show status like '${name}';  ${await this.operator.status(name)}`);
  }

  /** What an application has logged. */
  showLog(log: string): void {
    if (linesOf(log).length === 0) return;
    this.say(['The log of the application:', ...counted(linesOf(log)).map(folded)].join('\n'));
  }

  /** `about`: what it may remark besides warnings. It does not watch the counters: what it looks at does not stand for long. */
  async consultDoctor({ account = 'shop', options = [], app, about = [] }: Consultation = {}): Promise<void> {
    const all = [...options, ...(app ? ['--app', app.at('/stats')] : []), '--sample', '0'];
    this.say(`\n${worries(await doctor(this.url(account), all.map(String)), about)}`);
  }

  /** Until `isSo`, or the deadline, which then says what was waited for. */
  async until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    const end = performance.now() + DEADLINE_MS;
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`${what}: not within ${DEADLINE_MS} ms`);
      await wait(20);
    }
  }

  async close(): Promise<void> {
    for (const service of this.#services) service.close();
    await Promise.all(this.#apps.map((app) => app.stop()));
    await this.#database.stop();
  }
}
