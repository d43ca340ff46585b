import type { RowDataPacket } from 'mysql2/promise';
import type { Memory } from '../app/memory.js';
import type { Admin } from '../faults/admin.js';
import type { Child } from '../support/child.js';
import { heldOf, socketsOf } from './sockets.js';
import { inMebibytes, type Sample } from './verdict.js';

export interface Sampled {
  app: Child;
  admin: Admin;
  httpPort: number;
  databasePort: number;
}

/** Everything at one moment. */
export async function sampleOf(
  { app, admin, httpPort, databasePort }: Sampled,
  hours: number,
): Promise<Sample> {
  const memory = await app.ask<Memory>('memory');
  const sockets = await socketsOf(httpPort, databasePort);
  const [status] = await admin.query<RowDataPacket[]>("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
  const { Timeout: _timers, Immediate: _immediates, ...handles } = memory.handles;
  return {
    hours,
    values: {
      'heap without code, MiB': inMebibytes(memory.heapUsed - memory.code),
      'compiled code, MiB': inMebibytes(memory.code),
      'RSS, MiB': inMebibytes(memory.rss),
      handles: Object.values(handles).reduce((sum, count) => sum + count, 0),
      timers: memory.timers,
      listeners: memory.listeners,
      'sockets of clients': sockets ? heldOf(sockets.clients) : 0,
      'sockets to the database': sockets ? heldOf(sockets.database) : 0,
      'prepared statements': Number(status?.Value),
    },
  };
}
