import type { ServerStatus } from './driver.js';

/** Status flags of the protocol's OK and EOF packets (dev.mysql.com, "SERVER_STATUS_flags_enum"). */
export const IN_TRANSACTION = 0x0001;
export const AUTOCOMMIT = 0x0002;
export const IN_READ_ONLY_TRANSACTION = 0x2000;
export const SESSION_STATE_CHANGED = 0x4000;

/** What the server said with the last packet of a statement's answer. */
export interface Answer {
  /** undefined = the driver does not show it. */
  readonly flags: number | undefined;
  readonly warnings: number;
  /** The statement has generated this AUTO_INCREMENT value; 0 = none. */
  readonly insertId: number | bigint | string;
  /** It ended in an OK packet, not in rows. */
  readonly isOk: boolean;
  readonly schemaChanged: boolean;
}

interface OkPacket {
  readonly serverStatus?: number;
  readonly warningStatus?: number;
  readonly insertId?: number | bigint | string;
  readonly stateChanges?: { readonly schema: string | null };
}

/** `status` is what was seen of the packets themselves; null = nothing, then the driver's result has to do. */
export function answerOf(result: unknown, status: ServerStatus | null): Answer {
  const ok = lastOk(result);
  return {
    flags: status?.flags ?? ok?.serverStatus,
    warnings: status?.warnings ?? ok?.warningStatus ?? 0,
    insertId: ok?.insertId ?? 0,
    isOk: ok !== undefined,
    schemaChanged: ok?.stateChanges != null && ok.stateChanges.schema !== null,
  };
}

/** The last OK packet: of a single result, or of the last one of several (CALL, multi-statements). */
function lastOk(result: unknown): OkPacket | undefined {
  if (!Array.isArray(result)) return isOkPacket(result) ? result : undefined;
  // Rows are plain objects too, so only a packet that says so counts.
  for (let index = result.length - 1; index >= 0; index--) {
    if (isOkPacket(result[index])) return result[index];
    if (!Array.isArray(result[index])) return undefined;
  }
  return undefined;
}

export function isOkPacket(value: unknown): value is OkPacket {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value)?.constructor?.name === 'ResultSetHeader'
  );
}
