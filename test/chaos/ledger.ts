import type { RowDataPacket } from 'mysql2/promise';
import { schemas } from './faults/schema.js';
import type { Stage } from './faults/stage.js';

/** How often each transfer is in the ledger. */
export async function readLedger(stage: Stage): Promise<Map<string, number>> {
  const rows = await stage.admin.query<RowDataPacket[]>(
    `SELECT op AS op, COUNT(*) AS times FROM ${schemas.main}.ledger GROUP BY op`,
  );
  return new Map(rows.map(({ op, times }) => [String(op), Number(times)]));
}
