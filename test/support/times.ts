const factor = Number(process.env.HANDBACK_TIMES ?? 1);

/** How often something is repeated that goes wrong now and then: `HANDBACK_TIMES=10` makes it ten times as often. */
export function times(usually: number): number {
  return Math.max(1, Math.round(usually * factor));
}
