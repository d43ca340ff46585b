import type { BankReport } from './bank.js';
import type { Figures } from './results.js';

export interface Facts {
  counts: Record<string, number>;
  ledger: Omit<BankReport, 'total' | 'expectedTotal'>;
  crashed: boolean;
  bankOff: number;
  threadLimit: number;
  baseline: number | undefined;
  recovered: number | undefined;
}

/** The numbers of the table, from what the processes counted by their own names. */
export function figuresOf({ counts, ledger, crashed, baseline, recovered, ...rest }: Facts): Figures {
  const sum = (matches: (name: string) => boolean) =>
    Object.entries(counts).reduce((total, [name, count]) => total + (matches(name) ? count : 0), 0);
  return {
    ...rest,
    ok: sum((name) => / 200$/.test(name)),
    failed: sum((name) => / [45]\d\d( |$)/.test(name)),
    sawAnothersState: counts.stained ?? 0,
    beganInForeignTransaction: counts['in a foreign transaction'] ?? 0,
    acknowledged: ledger.acknowledged,
    acknowledgedLost: ledger.acknowledgedMissing.length,
    acknowledgedDoubled: ledger.doubled.length,
    unknownButCommitted: ledger.unknownThere,
    failedButCommitted: ledger.failedButThere.length,
    overDeadline: counts['violations:I7'] ?? 0,
    neverSettled: (counts['violations:I7'] ?? 0) - (counts['settled late'] ?? 0),
    crashes: crashed ? 1 : 0,
    ...(counts.mostThreads !== undefined && { mostThreads: counts.mostThreads }),
    ...(baseline !== undefined && { baseline }),
    ...(recovered !== undefined && { recovered }),
  };
}
