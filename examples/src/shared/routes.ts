/** The routes as the page shows them. */
export const LINKS = [
  { path: '/users/1', text: 'One user as a JSON object; 404 when there is none.' },
  { path: '/users', text: 'All 200 users.' },
  { path: '/accounts/total', text: 'The money in all accounts: it stays 50,000, whatever is transferred.' },
  { path: '/slow?ms=2000', text: 'Holds its connection for two seconds; ms is at most 5000.' },
  { path: '/export', text: '100,000 rows as NDJSON, read from the database as fast as you take them.' },
  { path: '/boom', text: 'Throws after a query. The connection goes back all the same.' },
  { path: '/health', text: 'Opted out: never a connection.' },
  {
    path: '/stats',
    text: 'The pool’s numbers, holders, connections and options as JSON: what `handback top --app` shows.',
  },
];

/** What can't be a link. */
export const ACTIONS = [
  {
    id: 'transfer',
    label: 'Transfer 10',
    route: 'POST /transfers',
    text: 'From account 1 to 2, in a transaction; 409 on insufficient funds.',
  },
  {
    id: 'hold',
    label: 'Hold four',
    route: '4 × GET /slow',
    text: 'Four slow requests at once: watch the pool.',
  },
];
