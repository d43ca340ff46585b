import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { eventually } from '@handback/contract/support/eventually.js';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { catalogue } from './faults/catalogue.js';
import { openStage, type Stage } from './faults/stage.js';
import { Random } from './random.js';
import type { FaultName } from './types.js';

/** How a connection fails that was there. */
export const lost = ['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE'];

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error) => String(error.code),
  );

/** A stage for the tests of a file, and plain connections of the app's account on it. */
export class FaultStage {
  stage!: Stage;
  misbehaving: string[] = [];
  readonly #errors: unknown[] = [];
  readonly #opened: Connection[] = [];

  constructor() {
    before(async () => {
      this.stage = await openStage({ random: new Random(1), onError: (error) => this.#errors.push(error) });
      this.stage.clients = {
        misbehave: (kind) => void this.misbehaving.push(kind),
        behave: () => {
          this.misbehaving = [];
        },
      };
    });

    afterEach(() => {
      for (const connection of this.#opened.splice(0)) connection.destroy();
      assert.deepEqual(this.#errors.splice(0), []);
    });

    after(() => this.stage.close());
  }

  async connect(): Promise<Connection> {
    const password = (await readFile(this.stage.account.passwordFile, 'utf8')).trim();
    const uri = Object.assign(new URL(this.stage.databaseUrl), { password }).href;
    const connection = await createConnection({ uri, connectTimeout: 300 });
    // Of a connection that is broken on purpose.
    connection.on('error', () => {});
    this.#opened.push(connection);
    return connection;
  }

  async ask(connection: Connection, sql = 'SELECT 1 AS value', timeout = 300): Promise<unknown> {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout });
    return rows[0]?.value;
  }

  /** While the fault is at work; afterwards new connections serve as if nothing had happened. */
  async during(name: FaultName, work: () => Promise<void>, seed = 1): Promise<void> {
    const heal = await catalogue[name].inject(this.stage, new Random(seed));
    try {
      await work();
    } finally {
      await heal();
    }
    await eventually(async () => assert.equal(await this.ask(await this.connect()), 1));
  }

  isKilled({ threadId }: Connection): Promise<void> {
    return eventually(async () => {
      const threads = await this.stage.admin.threadsOf(this.stage.account.user);
      assert.ok(!threads.some(({ id }) => id === threadId));
    });
  }
}
