import type { BankReport } from './bank.js';
import type { Violation } from './types.js';

/** I4, one violation for each transfer. */
export function bankViolations(
  report: Pick<BankReport, 'acknowledgedMissing' | 'doubled' | 'failedButThere' | 'unasked'>,
): Violation[] {
  const told = (ops: string[], what: string): Violation[] =>
    ops.map((op) => ({ invariant: 'I4', detail: `transfer ${op} ${what}` }));
  return [
    ...told(report.acknowledgedMissing, 'was acknowledged and is not in the ledger'),
    ...told(report.doubled, 'is in the ledger more than once'),
    ...told(report.failedButThere, 'was reported as failed and is in the ledger'),
    ...told(report.unasked, 'is in the ledger and was never asked for'),
  ];
}
