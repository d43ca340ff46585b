import { maskValues } from '@handback/core';
import type { Row } from '../../session.js';
import { oneLine } from '../../text.js';
import type { ServerFacts, Thread } from '../picture.js';
import type { ProgramsById } from './programs.js';
import { integer, type Readings, text } from './readings.js';

/** MariaDB counts milliseconds. The text of a statement is only looked at here, and left without its values. */
const MARIADB = `SELECT ID AS id, USER AS user, HOST AS host, DB AS db, COMMAND AS command, TIME_MS AS ageMs,
  STATE AS state, INFO AS info FROM information_schema.PROCESSLIST`;
const ofMySql = (table: string) => `SELECT ID AS id, USER AS user, HOST AS host, DB AS db, COMMAND AS command,
  TIME * 1000 AS ageMs, STATE AS state, INFO AS info FROM ${table}`;

export async function readThreads(
  readings: Readings,
  server: ServerFacts,
  programs: ProgramsById,
): Promise<Thread[]> {
  const rows = server.isMariaDb ? await readings.need(MARIADB) : await readMySql(readings);
  return rows.map((row) => threadOf(row, programs));
}

/** The first does not stop the server's sessions while it is read; before 8.0.22 there is the second alone. */
async function readMySql(readings: Readings): Promise<readonly Row[]> {
  const rows = await readings.want(ofMySql('performance_schema.processlist'));
  return rows ?? readings.need(ofMySql('information_schema.PROCESSLIST'));
}

function threadOf(row: Row, programs: ProgramsById): Thread {
  const id = integer(row.id);
  const [host, port] = hostAndPort(text(row.host));
  const { program, pid, pool } = programs.get(id) ?? {};
  const info = text(row.info);
  return {
    id,
    user: text(row.user),
    host,
    port,
    database: text(row.db) || undefined,
    command: text(row.command),
    state: text(row.state),
    ageMs: Math.max(0, Number(row.ageMs) || 0),
    statement: info === '' ? undefined : oneLine(maskValues(info)),
    program,
    pid,
    pool,
  };
}

/** `10.0.0.5:50364`, `[::1]:50364`, `::1:50364`, `localhost`. */
export function hostAndPort(given: string): [string, number | undefined] {
  const [, host, port] = /^(.*):(\d+)$/.exec(given) ?? [];
  if (host === undefined) return [given, undefined];
  return [host.replace(/^\[(.*)\]$/, '$1'), Number(port)];
}
