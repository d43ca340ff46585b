/** Errors of MariaDB alone (mariadb.com, "MariaDB Error Code Reference"), for which mysql2's table of MySQL's has no name. */
const NAMES: Readonly<Record<number, string>> = {
  1927: 'ER_CONNECTION_KILLED',
  1969: 'ER_STATEMENT_TIMEOUT',
};

/** The same error, with the name by which the server's documentation calls it where mysql2 gives it none. */
export function named<E extends Error>(error: E): E {
  const told = error as { errno?: number; code?: string };
  const name = NAMES[told.errno ?? 0];
  if (name && told.code === undefined) told.code = name;
  return error;
}
