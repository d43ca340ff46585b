/** The row of the table of `startBenchServer` that every contender reads and answers with as JSON. */
export const ID = 7;

/** The statement of every contender, with the placeholder that all drivers share. */
export const ONE = 'SELECT id, name, price, updated_at FROM items WHERE id = ?';

/** The requests that are measured: without a query, with one, with three on one connection, with a prepared one. */
export const paths = {
  none: '/none',
  one: `/one/${ID}`,
  three: `/three/${ID}`,
  execute: `/execute/${ID}`,
} as const;
export type Route = keyof typeof paths;
