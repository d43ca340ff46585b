import { markdownTable } from './table.js';
import { type Contender, contenders, type Framework, frameworks, invariants, type Second } from './types.js';
import { allInvariants, type Finding, merge, type Verdict } from './verdict.js';

/** What is counted of one contender on one framework. Missing: it could not be found out. */
export interface Figures {
  ok: number;
  failed: number;
  sawAnothersState: number;
  beganInForeignTransaction: number;
  acknowledged: number;
  acknowledgedLost?: number;
  acknowledgedDoubled?: number;
  unknownButCommitted?: number;
  failedButCommitted?: number;
  bankOff?: number;
  overDeadline: number;
  neverSettled: number;
  crashes: number;
  mostThreads?: number;
  threadLimit: number;
  /** Answers per second before the first fault. */
  baseline?: number;
  /** … and behind the last healing, at its best. */
  recovered?: number;
}

export interface PhaseResult {
  framework: Framework;
  contender: Contender;
  figures: Figures;
  verdict: Verdict;
  seconds: Second[];
}

const unknown = '?';
const numbers = new Intl.NumberFormat('en', { useGrouping: true });
const text = (number: number | undefined) =>
  number === undefined ? unknown : numbers.format(number).replaceAll(',', ' ');

type Row = [title: string, cell: (figures: Figures[]) => string];

const total = (of: (figures: Figures) => number | undefined) => (all: Figures[]) => {
  const known = all.map(of);
  return text(
    known.some((one) => one === undefined) ? undefined : known.reduce<number>((a, b) => a + (b ?? 0), 0),
  );
};

const rows: Row[] = [
  ['requests answered OK', total((one) => one.ok)],
  ["requests that saw another's state", total((one) => one.sawAnothersState)],
  ['requests that began in a foreign transaction', total((one) => one.beganInForeignTransaction)],
  ['bank: money made or lost', total((one) => one.bankOff && Math.abs(one.bankOff))],
  ['transfers acknowledged', total((one) => one.acknowledged)],
  ['… of them lost', total((one) => one.acknowledgedLost)],
  ['… of them doubled', total((one) => one.acknowledgedDoubled)],
  ['transfers of unknown outcome, committed', total((one) => one.unknownButCommitted)],
  ['transfers reported as failed, committed', total((one) => one.failedButCommitted)],
  ['requests over their deadline', total((one) => one.overDeadline)],
  ['requests never settled', total((one) => one.neverSettled)],
  ['crashes of the process', total((one) => one.crashes)],
  ['rate after the healing, of the rate before', recovery],
  ['most threads on the server (allowed)', threads],
];

function recovery(all: Figures[]): string {
  const percents = all.map(({ baseline, recovered }) =>
    baseline && recovered !== undefined ? `${Math.round((recovered / baseline) * 100)} %` : unknown,
  );
  return percents.join(', ');
}

function threads(all: Figures[]): string {
  const most = all.map((one) => one.mostThreads ?? 0);
  return `${Math.max(...most)} (${Math.max(...all.map((one) => one.threadLimit))})`;
}

/** The contenders of these results, peers first and Handback last, where the eye rests. */
function contendersOf(results: PhaseResult[]): Contender[] {
  const order: Contender[] = [...contenders.filter((name) => name !== 'handback'), 'handback'];
  const all = new Set(results.map((result) => result.contender));
  return [...order.filter((name) => all.has(name)), ...[...all].filter((name) => !order.includes(name))];
}

const titles: Partial<Record<Contender, string>> = {
  mysql2: "mysql2's pool",
  mariadb: "mariadb's pool",
  handback: 'Handback',
};
const title = (contender: Contender) => titles[contender] ?? contender;

/** What happened to whom, side by side. */
export function figuresTable(results: PhaseResult[]): string {
  const names = contendersOf(results);
  const figuresOf = (contender: Contender) =>
    results.filter((result) => result.contender === contender).map((result) => result.figures);
  return markdownTable(
    ['', ...names.map(title)],
    rows.map(([name, cell]) => [name, ...names.map((contender) => cell(figuresOf(contender)))]),
  );
}

export function verdictOf(contender: Contender, results: PhaseResult[]): Verdict {
  return merge(results.filter((result) => result.contender === contender).map((result) => result.verdict));
}

/** Each invariant and who kept it. */
export function invariantsTable(results: PhaseResult[]): string {
  const names = contendersOf(results);
  const verdicts = names.map((name) => verdictOf(name, results));
  return markdownTable(
    ['', ...names.map(title)],
    allInvariants.map((invariant) => [
      `${invariant} ${invariants[invariant]}`,
      ...verdicts.map((verdict) => findingText(verdict[invariant])),
    ]),
  );
}

export function findingText({ outcome, count }: Finding): string {
  return outcome === 'violated' ? `violated ${text(count)}×` : outcome;
}

/** The first violations in words, for whoever wants to know more than how many. */
export function detailsText(contender: Contender, results: PhaseResult[]): string[] {
  return results
    .filter((result) => result.contender === contender)
    .toSorted((a, b) => frameworks.indexOf(a.framework) - frameworks.indexOf(b.framework))
    .flatMap(({ framework, verdict }) =>
      allInvariants.flatMap((invariant) =>
        verdict[invariant].details.map((detail) => `${invariant} on ${framework}: ${detail}`),
      ),
    );
}
