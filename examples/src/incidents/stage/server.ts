import { type Connection, createConnection } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '../../../../scripts/database/index.mjs';

/** The application may see what `handback doctor` looks at, no more; the operator gets in when nobody else does. */
const RIGHTS = {
  shop: ['ALL PRIVILEGES ON shop.*', 'PROCESS ON *.*', 'SELECT ON performance_schema.*'],
  billing: ['ALL PRIVILEGES ON shop.*'],
  operator: ['ALL PRIVILEGES ON *.*'],
};
const PASSWORD = 'incident';
const PRODUCTS = 20;
/** The operator's own session outlives every incident. */
const A_DAY_S = 86_400;

export type AccountName = keyof typeof RIGHTS;

/** A server of this program's own, with the shop's tables in it. It is gone, with its files, when this process is. */
export class Database {
  readonly server: ThrowawayServer;
  #console: Connection;

  private constructor(server: ThrowawayServer, console: Connection) {
    this.server = server;
    this.#console = console;
  }

  /** The operator's session, which is there before the incident begins. */
  get console(): Connection {
    return this.#console;
  }

  /** `limits`: arguments of the server program. */
  static async start(limits: string[]): Promise<Database> {
    const server = await startServer({ args: [...limits, '--performance-schema=ON'] });
    try {
      await furnish(server);
      return new Database(server, await openConsole(server));
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  url(account: AccountName): string {
    return addressOf(this.server, account);
  }

  /** The same data, and counters that begin anew. */
  async restart(): Promise<void> {
    this.#console.destroy();
    await this.server.restart();
    this.#console = await openConsole(this.server);
  }

  async stop(): Promise<void> {
    this.#console.destroy();
    await this.server.stop();
  }
}

async function openConsole(server: ThrowawayServer): Promise<Connection> {
  const uri = addressOf(server, 'operator');
  const connection = await createConnection({ uri, connectAttributes: { program_name: 'mysql' } });
  // Its end is seen by the next statement.
  connection.on('error', () => {});
  await connection.query(`SET SESSION wait_timeout = ${A_DAY_S}`);
  return connection;
}

async function furnish({ url }: ThrowawayServer): Promise<void> {
  const connection = await createConnection(url);
  await connection.query('CREATE DATABASE shop');
  for (const [name, rights] of Object.entries(RIGHTS)) {
    await connection.query(`CREATE USER '${name}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`);
    for (const right of rights) await connection.query(`GRANT ${right} TO '${name}'@'127.0.0.1'`);
  }
  await connection.query(
    'CREATE TABLE shop.products (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, stock INT NOT NULL)',
  );
  await connection.query('CREATE TABLE shop.orders (id INT PRIMARY KEY, product_id INT NOT NULL)');
  const products = Array.from({ length: PRODUCTS }, (_, n) => [n + 1, `Product ${n + 1}`, 100]);
  await connection.query('INSERT INTO shop.products VALUES ?', [products]);
  await connection.end();
}

function addressOf({ host, port }: ThrowawayServer, account: AccountName): string {
  return `mysql://${account}:${PASSWORD}@${host}:${port}/shop`;
}
