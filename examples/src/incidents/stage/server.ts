import { type Connection, createConnection } from 'mysql2/promise';
import { startServer, type ThrowawayServer } from '../../../../scripts/database/index.mjs';

/** An application has no more rights than it needs; the operator gets in when nobody else does. */
const ACCOUNTS = {
  shop: 'ALL PRIVILEGES ON shop.*',
  billing: 'ALL PRIVILEGES ON shop.*',
  operator: 'ALL PRIVILEGES ON *.*',
};
const PASSWORD = 'incident';
const PRODUCTS = 20;
/** The operator's own session outlives every incident. */
const A_DAY_S = 86_400;

export type AccountName = keyof typeof ACCOUNTS;

/** A server of this program's own, with the shop's tables in it. It is gone, with its files, when this process is. */
export class Database {
  readonly server: ThrowawayServer;
  /** A session that is there before the incident begins. */
  readonly operator: Connection;

  private constructor(server: ThrowawayServer, operator: Connection) {
    this.server = server;
    this.operator = operator;
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

  async stop(): Promise<void> {
    this.operator.destroy();
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
  for (const [name, rights] of Object.entries(ACCOUNTS)) {
    await connection.query(`CREATE USER '${name}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`);
    await connection.query(`GRANT ${rights} TO '${name}'@'127.0.0.1'`);
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
