import type { ConnectionOptions } from 'mysql2';
import type {
  Driver,
  Formatter,
  OpenDone,
  OpenSettings,
  ServerFacts,
  StoredCode,
  Survey,
} from '#core/driver.js';
import { mysql2Driver } from '#core/drivers/mysql2.js';
import { FakeConnection, type Reply, rowOf } from './fake-connection.js';
import { connectError, serverError } from './fake-server.js';

/** One attempt to open a connection. */
export class FakeOpen {
  readonly settings: OpenSettings;
  /** Why the pool gave the attempt up. */
  givenUp: Error | null = null;
  connection: FakeConnection | null = null;
  readonly #driver: FakeDriver;
  readonly #done: OpenDone;
  /** It has been answered. */
  over = false;

  constructor(driver: FakeDriver, settings: OpenSettings, done: OpenDone) {
    this.#driver = driver;
    this.settings = settings;
    this.#done = done;
  }

  succeed(): FakeConnection {
    const connection = this.#driver.connect(this);
    this.connection = connection;
    if (!this.over) this.#done(null, connection);
    this.over = true;
    return connection;
  }

  fail(error: Error): void {
    if (!this.over) this.#done(error);
    this.over = true;
  }

  giveUp(reason: Error): void {
    if (this.over) return;
    this.givenUp = reason;
    if (this.#driver.heedsGivingUp) this.fail(reason);
  }
}

const VERSION = '10.11.0-MariaDB';

const FACTS: ServerFacts = {
  version: VERSION,
  isMariaDb: true,
  waitTimeoutMs: 28_800_000,
  interactiveTimeoutMs: 28_800_000,
  maxConnections: 151,
  maxUserConnections: 0,
  port: 3306,
  sqlMode: '',
};
const NOTHING_STORED: StoredCode = { reached: () => null, blind: null };

const ADDRESS = { host: '192.0.2.1', port: 3306 };

/** A driver and a server without a network: the test scripts what happens. */
export class FakeDriver implements Driver {
  /** Attempts to open, in order; those of the control connection are in `controlOpens`. */
  readonly opens: FakeOpen[] = [];
  readonly controlOpens: FakeOpen[] = [];
  readonly connections: FakeConnection[] = [];
  readonly controls: FakeConnection[] = [];
  /** Sessions that live on the server. */
  readonly threads = new Map<number, FakeConnection>();
  readonly kills: string[] = [];
  /** An attempt that is given up is over. */
  heedsGivingUp = true;
  uptimeSeconds = 1_000_000;
  /** What becomes of an attempt to open; by default it succeeds. Do nothing to let it hang. */
  onOpen: (open: FakeOpen) => void = (open) => open.succeed();
  onControlOpen: (open: FakeOpen) => void = (open) => open.succeed();
  /** Instead of carrying out a KILL. */
  killReply: Reply | undefined;
  /** What any connection's statement is answered with; undefined = what the session says. */
  reply: (sql: string, connection: FakeConnection) => Reply | undefined = () => undefined;
  /** What becomes of a reset, and of a goodbye, on any connection. */
  resetReply: 'ok' | 'hang' | Error = 'ok';
  saysGoodbye = true;
  facts: ServerFacts | null = FACTS;
  /** The version that the other end greets with: another one than the server's is a proxy's. */
  greeting = VERSION;
  /** What the options take away. */
  dangers: string[] = [];
  storedCode = NOTHING_STORED;
  /** How often somebody has looked around. */
  surveys = 0;
  /** Instead of 'ok'. */
  pingReply: 'ok' | 'hang' | Error = 'ok';
  /** What connections are led to, one after the other: each stays with its server. */
  server: string | null = null;
  /** Instead of what a server says of itself. */
  identityReply: Reply | undefined;
  /** The server sees the port that the client has: nothing is in between. */
  portsPass = true;
  /** Sessions that run a statement although their client is lost. */
  readonly atWork = new Set<number>();
  /** This version of the driver hides the server's status. */
  hidesStatus = false;
  #threadId = 100;

  open(settings: OpenSettings, done: OpenDone): (reason: Error) => void {
    const open = new FakeOpen(this, settings, done);
    const isControl = settings.address !== undefined;
    (isControl ? this.controlOpens : this.opens).push(open);
    const act = isControl ? this.onControlOpen : this.onOpen;
    // The driver answers later, never from inside the call.
    queueMicrotask(() => act(open));
    return (reason) => open.giveUp(reason);
  }

  async survey(): Promise<Survey> {
    this.surveys++;
    return { facts: this.facts, reach: this.storedCode };
  }

  /** Every attempt from now on fails like this. */
  refuse(code: string, errno?: number): void {
    this.onOpen = (open) => open.fail(connectError(code, errno));
  }

  accept(): void {
    this.onOpen = (open) => open.succeed();
  }

  /** Attempts wait for the test to decide. */
  hang(): void {
    this.onOpen = () => {};
  }

  connect(open: FakeOpen): FakeConnection {
    const connection = new FakeConnection(this, ++this.#threadId, ADDRESS);
    (open.settings.address ? this.controls : this.connections).push(connection);
    this.threads.set(connection.threadId, connection);
    return connection;
  }

  /** The server's side of what only the control connection says. */
  control(sql: string, from: FakeConnection): Reply | undefined {
    if (/^SELECT .*@@server_uid/.test(sql)) return this.identityReply ?? { result: [rowOf(from)] };
    if (/^SHOW GLOBAL STATUS/.test(sql)) return { result: [{ Value: String(this.uptimeSeconds) }] };
    const [, wanted] = /information_schema\.processlist WHERE ID = (\d+)$/.exec(sql) ?? [];
    if (wanted !== undefined) return { result: this.#listed(Number(wanted)) };
    const [, query, id] = /^KILL (QUERY )?(\d+)$/.exec(sql) ?? [];
    if (id === undefined) return undefined;
    this.kills.push(sql);
    if (this.killReply) return this.killReply;
    const target = this.threads.get(Number(id));
    if (!target) return serverError(1094);
    if (query === undefined) {
      this.threads.delete(target.threadId);
      target.lose();
    } else if (target.running !== undefined) {
      target.answer(serverError(1317, { code: 'ER_QUERY_INTERRUPTED', sql: target.running }));
    }
    return { result: from.session.ok };
  }

  /** Its line in the list of sessions. */
  #listed(id: number): { host: string; command: string }[] {
    const session = this.threads.get(id);
    if (!session) return [];
    const port = this.portsPass ? session.localPort : 40_000;
    return [{ host: `192.0.2.7:${port}`, command: this.atWork.has(id) ? 'Query' : 'Sleep' }];
  }

  hazards(): string[] {
    return this.dangers;
  }

  formatter(config: ConnectionOptions | null): Formatter {
    return {
      namedPlaceholders: config ? config.namedPlaceholders === true : undefined,
      unnamed: (sql, values) => mysql2Driver.formatter(null).unnamed(sql, values),
      format: (sql, values) => `${sql} with ${JSON.stringify(values)}`,
      escape: (value) => `escaped ${JSON.stringify(value)}`,
      escapeId: (identifier) => `\`${String(identifier)}\``,
    };
  }

  /** Sessions on the server other than the control connection's. */
  get poolThreads(): number {
    return this.connections.filter(({ threadId }) => this.threads.has(threadId)).length;
  }
}
