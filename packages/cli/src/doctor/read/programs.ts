import type { Row } from '../../session.js';
import type { ServerFacts } from '../picture.js';
import { integer, type Readings, text } from './readings.js';

export interface Program {
  readonly program: string | undefined;
  readonly pid: number | undefined;
  readonly pool: string | undefined;
}

/** By the thread's id (`CONNECTION_ID()`). */
export type ProgramsById = ReadonlyMap<number, Program>;

const COLUMNS = 'PROCESSLIST_ID AS id, ATTR_NAME AS name, ATTR_VALUE AS value';
const WHAT = 'which programs the connections are of; they are told apart by user and host';

/** What clients said of themselves when they connected. Only the performance schema knows it. */
export async function readPrograms(readings: Readings, server: ServerFacts): Promise<ProgramsById> {
  if (!hasPerformanceSchema(server)) {
    readings.unseen.push({
      what: WHAT,
      why: `performance_schema is OFF${server.isMariaDb ? ", MariaDB's default" : ''}`,
      remedy: 'performance_schema = ON in the [mysqld] section of its configuration, and a restart',
    });
    return new Map();
  }
  const all = await readings.want(`SELECT ${COLUMNS} FROM performance_schema.session_connect_attrs`, {
    what: `${WHAT}, but for those of this account`,
    remedy: 'GRANT SELECT ON performance_schema.* TO this account',
  });
  const rows =
    all ??
    (await readings.want(`SELECT ${COLUMNS} FROM performance_schema.session_account_connect_attrs`)) ??
    [];
  return programsOf(rows);
}

/** Without it nobody knows programs, and MySQL no locks either. */
export function hasPerformanceSchema({ variables }: ServerFacts): boolean {
  return /^(ON|1)$/i.test(variables.get('performance_schema') ?? '');
}

function programsOf(rows: readonly Row[]): ProgramsById {
  const attributes = new Map<number, Map<string, string>>();
  for (const row of rows) {
    const id = integer(row.id);
    const ofThread = attributes.get(id) ?? new Map<string, string>();
    attributes.set(id, ofThread.set(text(row.name), text(row.value)));
  }
  return new Map([...attributes].map(([id, ofThread]) => [id, programOf(ofThread)]));
}

/** `handback_pid` and `handback_pool` are ours; `_pid` is of clients on MySQL's and MariaDB's own libraries. */
function programOf(attributes: ReadonlyMap<string, string>): Program {
  const pid = Number(attributes.get('handback_pid') ?? attributes.get('_pid'));
  return {
    program: attributes.get('program_name') || attributes.get('_client_name') || undefined,
    pid: Number.isSafeInteger(pid) && pid > 0 ? pid : undefined,
    pool: attributes.get('handback_pool') || undefined,
  };
}
