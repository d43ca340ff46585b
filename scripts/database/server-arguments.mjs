import { join } from 'node:path';

/** @typedef {import('./find-server.mjs').ServerBinary['product']} Product */

/** @type {Record<Product, string[]>} */
const productArguments = {
  MariaDB: ['--innodb-log-file-size=8M'],
  MySQL: [
    '--loose-innodb-redo-log-capacity=8M',
    '--loose-mysqlx=OFF',
    '--secure-file-priv=NULL', // its packages name a directory here that only exists beside a full installation
  ],
};

/** What the server is told both when its data directory is made and on every start. @param {Product} product */
export function commonArguments(product) {
  return [
    '--no-defaults',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--innodb-buffer-pool-size=32M',
    '--innodb-use-native-aio=0', // some containers forbid what it needs
    ...productArguments[product],
  ];
}

/**
 * @param {{ product: Product, directory: string, port: number, initFile?: string | undefined, args: string[] }} options
 * @returns {string[]}
 */
export function runArguments({ product, directory, port, initFile, args }) {
  return [
    ...commonArguments(product),
    `--datadir=${join(directory, 'data')}`,
    `--tmpdir=${directory}`,
    `--pid-file=${join(directory, 'server.pid')}`,
    `--socket=${join(directory, 'server.sock')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--skip-log-bin',
    '--performance-schema=OFF',
    // A commit reaches the operating system, not the disk: quick, and still there when the server alone is killed.
    '--innodb-flush-log-at-trx-commit=2',
    ...(initFile ? [`--init-file=${initFile}`] : []),
    ...args, // the last one wins
  ];
}

/** The account of a throwaway server: a file of one statement per line. @param {{ user: string, password: string }} account */
export function accountSql({ user, password }) {
  const hosts = ['127.0.0.1', 'localhost'];
  return [
    ...['localhost', '127.0.0.1', '::1'].map((host) => `DROP USER IF EXISTS 'root'@'${host}';`),
    "DROP USER IF EXISTS ''@'localhost';",
    ...hosts.flatMap((host) => [
      `CREATE USER '${user}'@'${host}' IDENTIFIED BY '${password}';`,
      `GRANT ALL PRIVILEGES ON *.* TO '${user}'@'${host}' WITH GRANT OPTION;`,
    ]),
    '',
  ].join('\n');
}
