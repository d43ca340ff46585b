import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Fates } from './types.js';

/** What the ledger says to what the clients were told. */
export interface BankReport {
  acknowledged: number;
  failed: number;
  unknown: number;
  /** Acknowledged, and not in the ledger: lost. */
  acknowledgedMissing: string[];
  /** In the ledger more than once, whatever was said. */
  doubled: string[];
  /** Said to have failed, and in the ledger. */
  failedButThere: string[];
  /** Nobody knew: both are right, and are only counted. */
  unknownThere: number;
  unknownMissing: number;
  /** In the ledger, and nobody has ever asked for it. */
  unasked: string[];
  total: number;
  expectedTotal: number;
}

/** The lines of the ledger by their op, and how often each is there. */
export type Ledger = ReadonlyMap<string, number>;

export function compare(fates: Fates, ledger: Ledger): Omit<BankReport, 'total' | 'expectedTotal'> {
  const { acknowledged, failed, unknown } = fates;
  const isThere = (op: string) => ledger.has(op);
  const asked = new Set([...acknowledged, ...failed, ...unknown]);
  const unknownThere = unknown.filter(isThere).length;
  return {
    acknowledged: acknowledged.length,
    failed: failed.length,
    unknown: unknown.length,
    acknowledgedMissing: acknowledged.filter((op) => !isThere(op)),
    doubled: [...ledger].filter(([, times]) => times > 1).map(([op]) => op),
    failedButThere: failed.filter(isThere),
    unknownThere,
    unknownMissing: unknown.length - unknownThere,
    unasked: [...ledger.keys()].filter((op) => !asked.has(op)),
  };
}

/** What breaks I4 or I5, in sentences; empty when nothing does. */
export function wrongsOf(report: BankReport): string[] {
  const lists = {
    'acknowledged transfers are not in the ledger': report.acknowledgedMissing,
    'transfers are in the ledger more than once': report.doubled,
    'transfers were reported as failed and are in the ledger': report.failedButThere,
    'lines of the ledger were never asked for': report.unasked,
  };
  const wrongs = Object.entries(lists)
    .filter(([, ops]) => ops.length > 0)
    .map(([what, ops]) => `${ops.length} ${what}: ${ops.slice(0, 3).join(', ')}`);
  if (report.total !== report.expectedTotal)
    wrongs.push(`the total of the bank is ${report.total} instead of ${report.expectedTotal}`);
  return wrongs;
}

/** Asks the bank itself, over a connection that is not the app's. */
export async function audit(
  connection: Connection,
  fates: Fates,
  expectedTotal: number,
): Promise<BankReport> {
  const [lines] = await connection.query<RowDataPacket[]>(
    'SELECT op, COUNT(*) AS times FROM ledger GROUP BY op',
  );
  const [[sum]] = await connection.query<RowDataPacket[]>('SELECT SUM(balance) AS total FROM accounts');
  const ledger = new Map(lines.map(({ op, times }) => [String(op), Number(times)]));
  return { ...compare(fates, ledger), total: Number(sum?.total), expectedTotal };
}
