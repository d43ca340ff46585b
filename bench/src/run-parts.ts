import type { Figure } from './figure.js';
import type { Part, PartName } from './part.js';
import type { Plot } from './report/plot.js';
import { rowsOf, titleOf } from './rows.js';

/** What one part gave, or why it gave nothing. */
export interface PartOutcome {
  readonly name: PartName;
  readonly title: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  /** It broke as a whole; each of its rows is then a figure that could not be measured. */
  readonly error?: string;
}

export interface RunOptions {
  readonly rounds: number;
  /** Undefined = all that the parts have. */
  readonly rows?: readonly number[] | undefined;
  readonly signal: AbortSignal;
  log(line: string): void;
}

/**
 * One part after the other; one that breaks does not keep the others from being measured.
 *
 * @throws what interrupted it
 */
export async function runParts(parts: readonly Part[], options: RunOptions): Promise<PartOutcome[]> {
  const outcomes: PartOutcome[] = [];
  for (const [i, part] of parts.entries()) {
    options.log(`[${i + 1}/${parts.length}] ${part.name}: ${part.title}`);
    outcomes.push(await runPart(part, options));
  }
  return outcomes;
}

async function runPart(part: Part, { rounds, rows, signal, log }: RunOptions): Promise<PartOutcome> {
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 100) / 10;
  const progress = (line: string) => log(`  ${seconds().toFixed(0).padStart(4)} s  ${line}`);
  const wanted = ({ row }: Figure) => row === null || !rows || rows.includes(row);
  const { name, title } = part;
  try {
    signal.throwIfAborted();
    const { figures, plots } = await part.run({ rounds, rows, signal, progress });
    const all = [...figures, ...missing(name, figures)].filter(wanted);
    return { name, title, seconds: seconds(), figures: all, plots };
  } catch (error) {
    // Whatever broke, broke because of the interruption.
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    log(`  broke: ${reason}`);
    return {
      name,
      title,
      seconds: seconds(),
      figures: missing(name, [], reason).filter(wanted),
      plots: [],
      error: reason,
    };
  }
}

/** A row that a part did not measure is missed, not left out. */
function missing(name: PartName, figures: readonly Figure[], reason = 'not measured'): Figure[] {
  return rowsOf(name)
    .filter((row) => !figures.some((figure) => figure.row === row))
    .map((row) => unmeasured(row, reason));
}

function unmeasured(row: number, reason: string): Figure {
  const note = reason.split('\n', 1)[0] ?? reason;
  return { row, id: `row-${row}`, metric: titleOf(row), unit: 'x', handback: Number.NaN, peers: {}, note };
}
