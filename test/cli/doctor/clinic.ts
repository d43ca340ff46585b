import { strict as assert } from 'node:assert';
import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { parseArguments } from '#cli/arguments.js';
import type { ApplicationPool } from '#cli/doctor/application.js';
import { findingsOf } from '#cli/doctor/checks/index.js';
import { takePicture } from '#cli/doctor/examine.js';
import { EXPECTATION_OPTIONS, expectationsOf } from '#cli/doctor/expectation.js';
import type { Picture } from '#cli/doctor/picture.js';
import type { Finding, Severity } from '#cli/findings.js';
import { type Ask, openSession } from '#cli/session.js';
import { parseTarget } from '#cli/target.js';
import { findServer, startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { skipLoudly } from '../../support/skip-loudly.js';

const TIMEOUT_MS = 20_000;

export interface Account {
  readonly user: string;
  readonly password: string;
}

interface Examining {
  /** As on the command line. */
  readonly flags?: readonly string[];
  readonly account?: Account;
  /** What happens between the two looks at the counters, which count as a second apart. */
  readonly meanwhile?: () => Promise<unknown>;
  readonly pools?: readonly ApplicationPool[];
  readonly port?: number;
  readonly behindProxy?: boolean;
  readonly timeoutMs?: number;
}

export interface Examined {
  readonly picture: Picture;
  readonly findings: readonly Finding[];
  /** The one of that name; undefined where there is none. */
  finding(id: string): Finding | undefined;
  severity(id: string): Severity | undefined;
}

/** A server of a suite's own, its patients' connections, and the doctor. */
export class Clinic {
  readonly server: ThrowawayServer;
  /** Every statement that the doctor has sent. */
  readonly asked: string[] = [];
  readonly #connections = new Set<Connection>();

  private constructor(server: ThrowawayServer) {
    this.server = server;
  }

  /** In a `before` hook: its tests are about MariaDB's variables and tables; MySQL's are in mysql.test.ts. */
  static async open(context: Mocha.Context, ...args: string[]): Promise<Clinic> {
    const { product } = (await findServer()) ?? {};
    if (product === 'MySQL') skipLoudly(context, 'doctor on a real server', 'the server here is MySQL');
    const clinic = new Clinic(await startServer({ args }));
    await clinic.sql('CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY, stock INT)');
    await clinic.sql('INSERT INTO shop.item VALUES (1, 10), (2, 20)');
    return clinic;
  }

  /** Of the account with all privileges, unless another is named. */
  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    const { host, port, user, password } = this.server;
    const connection = await createConnection({ host, port, user, password, ...options });
    this.#connections.add(connection);
    connection.on('error', () => {});
    return connection;
  }

  /** In a session that is closed before this resolves, on the server too. */
  async sql(...statements: string[]): Promise<RowDataPacket[]> {
    const connection = await this.connect();
    try {
      let rows: unknown;
      for (const statement of statements) [rows] = await connection.query(statement);
      return rows as RowDataPacket[];
    } finally {
      await this.#end(connection);
    }
  }

  async #end(connection: Connection): Promise<void> {
    this.#connections.delete(connection);
    await connection.end().catch(() => {});
    connection.destroy();
  }

  /** Ends what the patients still have open. */
  async discharge(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => this.#end(connection)));
  }

  async account(name: string, limits = ''): Promise<Account> {
    const account = { user: name, password: `of ${name}` };
    await this.sql(
      `CREATE OR REPLACE USER '${name}'@'127.0.0.1' IDENTIFIED BY '${account.password}' ${limits}`,
      `GRANT SELECT, UPDATE ON shop.* TO '${name}'@'127.0.0.1'`,
    );
    return account;
  }

  url({ user, password }: Account = this.server, port = this.server.port): string {
    return `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/`;
  }

  async examine(examining: Examining = {}): Promise<Examined> {
    const {
      flags = [],
      account,
      meanwhile,
      pools = [],
      port,
      behindProxy = false,
      timeoutMs = TIMEOUT_MS,
    } = examining;
    const target = parseTarget(this.url(account, port));
    const expectations = expectationsOf(parseArguments(flags, EXPECTATION_OPTIONS).values, pools);
    const password = target.passwordOfUrl() ?? '';
    const session = await openSession(target, { password, timeoutMs });
    const ask: Ask = (sql, values) => {
      this.asked.push(sql);
      return session.ask(sql, values);
    };
    try {
      const picture = await takePicture({
        target,
        session: { ...session, ask },
        expectations,
        pools,
        behindProxy,
        sampleMs: meanwhile ? 1_000 : 0,
        wait: async () => meanwhile?.(),
        sockets: null,
      });
      const findings = findingsOf(picture);
      const finding = (id: string) => findings.find((found) => found.id === id);
      return { picture, findings, finding, severity: (id) => finding(id)?.severity };
    } finally {
      await session.close();
    }
  }

  async close(): Promise<void> {
    await this.discharge();
    await this.server.stop();
  }
}

/** What a finding says, as one text. */
export function textOf(finding: Finding | undefined): string {
  assert.ok(finding, 'no such finding');
  return [finding.title, ...finding.evidence, finding.change ?? ''].join('\n');
}
