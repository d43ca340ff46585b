import { type Row, ServerError } from './packets.js';

/** What a session remembers between two statements. */
export interface SessionState {
  readonly id: number;
  autocommit: boolean;
  inTransaction: boolean;
  /** `@owner` */
  owner: string | null;
  /** Written in the open transaction. */
  pending: string[];
  /** By the last COMMIT, which may yet be refused. */
  committed: string[];
}

/** What statements can do to the server beyond their own session. */
export interface ServerState {
  /** How often each entry was committed. */
  readonly ledger: Map<string, number>;
  /** Where it says that it listens. */
  readonly statedPort: number;
  killQuery(id: number): boolean;
  kill(id: number): boolean;
  /** Who a thread works for, as the process list says it; undefined = there is no such thread. */
  clientOf(id: number): string | undefined;
}

export type Answer = { readonly rows: readonly Row[] } | { readonly affectedRows: number };

type Rule = (state: SessionState, server: ServerState, given: string) => Answer | undefined;

const DONE: Answer = { affectedRows: 0 };

/** What Handback asks when it opens a connection, and now and then. */
const FACTS: readonly (readonly [RegExp, readonly Row[]])[] = [
  [/^SELECT CURRENT_ROLE\(\) AS role, /, [{ role: null, profiles: '0' }]],
  [/^SELECT CURRENT_ROLE\(\) AS role$/, [{ role: null }]],
  [
    /^SELECT VERSION\(\) AS version, DATABASE\(\)/,
    [{ version: '11.8.2-MariaDB', defaultSchema: 'test', sqlMode: 'STRICT_TRANS_TABLES' }],
  ],
  [/^SHOW GRANTS$/, [{ grants: "GRANT ALL PRIVILEGES ON *.* TO 'peer'@'%'" }]],
  [/FROM information_schema\.SCHEMATA/, [{ name: 'test', hidesText: 'NO' }]],
  [/FROM information_schema\.(TRIGGERS|VIEWS|COLUMNS)/, []],
  [/^SHOW GLOBAL STATUS LIKE 'Uptime'$/, [{ Variable_name: 'Uptime', Value: '100000' }]],
  [/^SELECT 1$/, [{ 1: '1' }]],
];

const RULES: readonly (readonly [RegExp, Rule])[] = [
  ...FACTS.map(([pattern, rows]) => [pattern, () => ({ rows })] as const),
  [
    /^SELECT VERSION\(\) AS version, @@sql_mode/,
    (_state, { statedPort }) => {
      const facts = {
        version: '11.8.2-MariaDB',
        sqlMode: 'STRICT_TRANS_TABLES',
        waitTimeout: '28800',
        interactiveTimeout: '28800',
        maxConnections: '151',
        maxUserConnections: '0',
        port: String(statedPort),
      };
      return { rows: [facts] };
    },
  ],
  // Tells whose question this is the answer to, and what the session remembers of others.
  [
    /^SELECT '([^']*)' AS nonce(?: FROM many)?$/,
    ({ id, owner, inTransaction }, _server, nonce) => {
      const row = { nonce, session: String(id), owner, inTransaction: inTransaction ? '1' : '0' };
      return { rows: [row, row] };
    },
  ],
  [
    /^SET @owner = '(.*)'$/,
    (state, _server, owner) => {
      state.owner = owner;
      return DONE;
    },
  ],
  [
    /^START TRANSACTION$/,
    (state, server) => {
      commit(state, server);
      state.inTransaction = true;
      return DONE;
    },
  ],
  [
    /^INSERT INTO ledger VALUES \('(.*)'\)$/,
    (state, server, entry) => {
      state.pending.push(entry);
      if (!state.inTransaction) commit(state, server);
      return { affectedRows: 1 };
    },
  ],
  [
    /^COMMIT$/,
    (state, server) => {
      commit(state, server);
      return DONE;
    },
  ],
  [
    /^ROLLBACK$/,
    (state) => {
      rollBack(state);
      return DONE;
    },
  ],
  [
    /^SELECT HOST AS host, COMMAND AS command FROM information_schema\.processlist WHERE ID = (\d+)$/,
    (_state, server, id) => {
      const host = server.clientOf(Number(id));
      return { rows: host === undefined ? [] : [{ host, command: 'Query' }] };
    },
  ],
  [/^KILL QUERY (\d+)$/, (_state, server, id) => found(server.killQuery(Number(id)), id)],
  [/^KILL (\d+)$/, (_state, server, id) => found(server.kill(Number(id)), id)],
  [/^(?:SET SESSION session_track_state_change = 1|DO 0|USE `.*`)$/, () => DONE],
];

function found(isThere: boolean, id: string): Answer {
  if (!isThere) throw new ServerError(1094, 'HY000', `Unknown thread id: ${id}`);
  return DONE;
}

function commit(state: SessionState, { ledger }: ServerState): void {
  state.committed = state.pending;
  for (const entry of state.committed) ledger.set(entry, (ledger.get(entry) ?? 0) + 1);
  rollBack(state);
}

/** The COMMIT has failed after all. */
export function takeBack(state: SessionState, { ledger }: ServerState): void {
  for (const entry of state.committed) ledger.set(entry, (ledger.get(entry) ?? 0) - 1);
  state.committed = [];
}

export function rollBack(state: SessionState): void {
  state.pending = [];
  state.inTransaction = false;
}

/** @throws {ServerError} also of a statement that this server does not know */
export function answerTo(sql: string, state: SessionState, server: ServerState): Answer {
  for (const [pattern, rule] of RULES) {
    const match = pattern.exec(sql);
    const answer = match && rule(state, server, match[1] ?? '');
    if (answer) return answer;
  }
  throw new ServerError(1064, '42000', `You have an error in your SQL syntax near '${sql}'`);
}
