import type { ServerFacts, Status } from '../picture.js';
import { byName, integer, type Readings, text } from './readings.js';

const VARIABLES = [
  'connect_timeout',
  'extra_max_connections',
  'extra_port',
  'idle_readonly_transaction_timeout',
  'idle_transaction_timeout',
  'idle_write_transaction_timeout',
  'innodb_lock_wait_timeout',
  'lock_wait_timeout',
  'max_connections',
  'max_execution_time',
  'max_statement_time',
  'max_user_connections',
  'net_read_timeout',
  'net_write_timeout',
  'performance_schema',
  'port',
  'version_comment',
  'wait_timeout',
];

const STATUS = [
  'Aborted_clients',
  'Aborted_connects',
  'Connection_errors_max_connections',
  'Connections',
  'Max_used_connections',
  'Max_used_connections_time',
  'Threads_connected',
  'Threads_created',
  'Threads_running',
  'Uptime',
  'Uptime_since_flush_status',
];

export async function readServerFacts(readings: Readings): Promise<ServerFacts> {
  const [row = {}] = await readings.need(
    'SELECT VERSION() AS version, CURRENT_USER() AS account, @@session.max_user_connections AS maxUserConnections',
  );
  const version = text(row.version);
  return {
    version,
    isMariaDb: /mariadb/i.test(version),
    account: text(row.account),
    variables: byName(
      await readings.need(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list(VARIABLES)})`),
    ),
    maxUserConnections: integer(row.maxUserConnections),
  };
}

export async function readStatus(readings: Readings): Promise<Status> {
  return byName(await readings.need(`SHOW GLOBAL STATUS WHERE Variable_name IN (${list(STATUS)})`));
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
