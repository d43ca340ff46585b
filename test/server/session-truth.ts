import { databaseUrl } from '@handback/contract/support/database.js';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

/** Variables that every statement moves, or that tell of the one before. */
const VOLATILE = [
  'timestamp',
  'last_insert_id',
  'identity',
  'insert_id',
  'rand_seed1',
  'rand_seed2',
  'warning_count',
  'error_count',
  'in_transaction',
  'last_gtid',
  'pseudo_thread_id',
];

/** What a session holds beside its transaction, each thing with a statement that shows it. */
const PROBES: Readonly<Record<string, string>> = {
  variables: `SELECT MD5(GROUP_CONCAT(VARIABLE_NAME, '=', IFNULL(SESSION_VALUE, '') ORDER BY VARIABLE_NAME))
    FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE LIKE 'SESSION%'
    AND VARIABLE_NAME NOT IN (${VOLATILE.map((name) => `'${name}'`).join(',')})`,
  userVariables: 'SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.USER_VARIABLES ORDER BY 1',
  frozenClock: 'SELECT @@timestamp < 1000000000',
  lock: "SELECT IS_USED_LOCK('fuzz') = CONNECTION_ID()",
  schema: 'SELECT DATABASE()',
  sequence: 'SELECT LASTVAL(fuzz_sequence)',
  temporaryTable: 'SELECT COUNT(*) FROM fuzz_temporary',
  lockedTables: 'SELECT COUNT(*) FROM fuzz_unlocked',
  handler: 'HANDLER fuzz_rows READ FIRST LIMIT 0',
  prepared: 'EXECUTE fuzz_prepared',
};

export type Findings = Readonly<Record<string, string>>;

/** Objects that the statements under test name. Those called `stain…`, and what shares a built-in's name, set a variable. */
const OBJECTS = [
  'CREATE TABLE fuzz_rows (id INT PRIMARY KEY, a INT, b VARCHAR(200))',
  "INSERT INTO fuzz_rows VALUES (1, 1, 'one'), (2, 2, 'two')",
  'CREATE TABLE fuzz_unlocked (a INT)',
  'CREATE TABLE fuzz_watched LIKE fuzz_rows',
  "INSERT INTO fuzz_watched VALUES (1, 1, 'one'), (2, 2, 'two')",
  ...['INSERT', 'UPDATE', 'DELETE'].map(
    (event) =>
      `CREATE TRIGGER watch_${event} BEFORE ${event} ON fuzz_watched FOR EACH ROW SET @written = CONCAT(IFNULL(@written, ''), '${event}')`,
  ),
  'CREATE SEQUENCE fuzz_sequence',
  'CREATE PROCEDURE stain_procedure() SET @fuzz = 1',
  'CREATE PROCEDURE tell_procedure() SELECT LAST_INSERT_ID(), ROW_COUNT()',
  'CREATE FUNCTION tell() RETURNS BIGINT RETURN LAST_INSERT_ID()',
  ...['stain', 'größe', '$stain', 'wee\u212a', 'json_table', 'md5', 'count', 'trim', 'in'].map(
    (name) => `CREATE FUNCTION \`${name}\`(a INT) RETURNS INT BEGIN SET @fuzz = 1; RETURN 1; END`,
  ),
];

/** A session of its own, and what is true of it. */
export class SessionTruth {
  readonly schema: string;
  #connection: Connection | null = null;

  constructor(schema: string) {
    this.schema = schema;
  }

  async createSchema(): Promise<void> {
    const connection = await this.#open();
    await connection.query(`CREATE DATABASE ${this.schema}`);
    await connection.query(`USE ${this.schema}`);
    for (const sql of OBJECTS) await connection.query(sql);
  }

  async dropSchema(): Promise<void> {
    await this.#connection?.end();
    const connection = await createConnection(databaseUrl());
    await connection.query(`DROP DATABASE ${this.schema}`);
    await connection.end();
  }

  async #open(): Promise<Connection> {
    const connection = await createConnection({ uri: databaseUrl(), multipleStatements: true });
    // COMMIT RELEASE ends it: the next statement tells.
    connection.on('error', () => {});
    this.#connection = connection;
    return connection;
  }

  /** As after the handshake, but for the SQL mode. */
  async fresh(mode: string): Promise<void> {
    const clean = this.#connection ?? (await this.#open());
    await clean.reset();
    await clean.query(`USE ${this.schema}`);
    await clean.query(`SET sql_mode = '${mode}', max_statement_time = 2`);
  }

  async discard(): Promise<void> {
    this.#connection?.destroy();
    this.#connection = null;
  }

  /** @returns the rows, or the error's number */
  async run(sql: string): Promise<unknown> {
    if (!this.#connection) throw new Error('fresh() comes first');
    return this.#connection.query<RowDataPacket[]>({ sql, rowsAsArray: true }).then(
      ([rows]) => rows,
      (error) => error.errno ?? 'connection lost',
    );
  }

  /** Looks at everything; an open transaction is rolled back. */
  async look(): Promise<Findings> {
    const answers = await Promise.all(
      ['ROLLBACK', ...Object.values(PROBES)].map(async (sql) => JSON.stringify(await this.run(sql))),
    );
    return Object.fromEntries(Object.keys(PROBES).map((name, index) => [name, answers[index + 1] ?? '']));
  }
}
