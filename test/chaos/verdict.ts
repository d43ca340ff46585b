import type { Evidence, Look } from './evidence.js';
import { type Invariant, invariants } from './types.js';

export type Outcome = 'ok' | 'violated' | 'not observed';

export interface Finding {
  outcome: Outcome;
  /** Violations seen. */
  count: number;
  /** How often it was looked at. */
  checks: number;
  /** The first ones, in words. */
  details: string[];
}

export type Verdict = Record<Invariant, Finding>;

export const allInvariants = Object.keys(invariants) as Invariant[];

/** Those where one look beyond the limit may be the machine's fault, and two in a row are not. */
const forgiving: ReadonlySet<Invariant> = new Set(['I8', 'I9', 'I14'] as const);
const detailsKept = 3;

export function judge(evidence: Evidence): Verdict {
  return Object.fromEntries(
    allInvariants.map((invariant) => [invariant, judgeOne(invariant, evidence)]),
  ) as Verdict;
}

function judgeOne(invariant: Invariant, evidence: Evidence): Finding {
  const looks = evidence.looks.filter((look) => look.invariant === invariant);
  const checks = (evidence.checks[invariant] ?? 0) + looks.length;
  const beyond = forgiving.has(invariant) ? twiceInARow(looks) : looks.filter((look) => look.beyond);
  const reported = evidence.violations.filter((violation) => violation.invariant === invariant);
  const count = (evidence.violationCounts[invariant] ?? reported.length) + beyond.length;
  const details = [...reported, ...beyond].map(({ detail }) => detail).slice(0, detailsKept);
  // A violation is evidence, whatever the counter of looks says.
  const observed = checks > 0 ? 'ok' : 'not observed';
  return { outcome: count > 0 ? 'violated' : observed, count, checks, details };
}

/** The looks that are beyond their limit and have a neighbour that is too. */
export function twiceInARow(looks: Look[]): Look[] {
  return looks.filter(
    (look, i) => look.beyond && (looks[i - 1]?.beyond === true || looks[i + 1]?.beyond === true),
  );
}

/** Several runs of one contender as one: violated anywhere is violated, observed nowhere is not observed. */
export function merge(verdicts: Verdict[]): Verdict {
  return Object.fromEntries(
    allInvariants.map((invariant) => [invariant, mergeOne(verdicts.map((verdict) => verdict[invariant]))]),
  ) as Verdict;
}

function mergeOne(findings: Finding[]): Finding {
  const sum = (of: 'count' | 'checks') => findings.reduce((total, finding) => total + finding[of], 0);
  const outcome = worst(findings.map((finding) => finding.outcome));
  const details = findings.flatMap((finding) => finding.details).slice(0, detailsKept);
  return { outcome, count: sum('count'), checks: sum('checks'), details };
}

function worst(outcomes: Outcome[]): Outcome {
  if (outcomes.includes('violated')) return 'violated';
  return outcomes.includes('ok') ? 'ok' : 'not observed';
}

export interface Failure {
  invariant: Invariant;
  detail: string;
}

/** What speaks against it: violations, and what should have been observed and was not. */
export function failures(verdict: Verdict, expected: readonly Invariant[] = allInvariants): Failure[] {
  return allInvariants.flatMap((invariant) => {
    const { outcome, count, details } = verdict[invariant];
    if (outcome === 'violated')
      return [{ invariant, detail: `${invariants[invariant]}: ${count} times not. ${details.join(' | ')}` }];
    if (outcome === 'not observed' && expected.includes(invariant))
      return [{ invariant, detail: `${invariants[invariant]}: not observed, so nothing is proven` }];
    return [];
  });
}
