/** Maps values to a length, and knows where its marks are. */
export interface Axis {
  /** 0 at the start, 1 at the end; NaN for what the axis can't show. */
  at(value: number): number;
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly value: number;
  /** Empty = a fine line without a number. */
  readonly label: string;
}

/** Over all of these values; what is not finite, or on a logarithmic axis not above 0, is not shown. */
export function axisOver(values: readonly number[], { log = false }: { readonly log?: boolean }): Axis {
  const shown = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (shown.length === 0) return { at: () => Number.NaN, ticks: [] };
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  return log ? logarithmic(low, high) : linear(Math.min(0, low), high);
}

const tickCount = 5;

function linear(low: number, high: number): Axis {
  const step = niceStep((high - low || 1) / tickCount);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks: Tick[] = [];
  for (let n = first; n <= last; n++) ticks.push(labelled(Number((n * step).toPrecision(12))));
  const [start, length] = [first * step, (last - first) * step];
  return { at: (value) => (value - start) / length, ticks };
}

/** 1, 2 or 5 times a power of ten, and not below what is asked for. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((one) => one * power >= least) ?? 10;
  return factor * power;
}

function logarithmic(low: number, high: number): Axis {
  const marks = logMarks(low, high);
  const decades = Math.log10(high / low);
  const [start, end] = [Math.log10(marks[0] as number), Math.log10(marks.at(-1) as number)];
  // Over a few decades each mark has its number; over many, the powers of ten have.
  const label = (value: number) =>
    decades <= 2.5 || isPowerOfTen(value) ? labelled(value) : { value, label: '' };
  const at = (value: number) => (value > 0 ? (Math.log10(value) - start) / (end - start) : Number.NaN);
  return { at, ticks: marks.map(label) };
}

/** 1, 2, 5, 10, 20, … from the last one at or below `low` to the first one at or above `high`. */
function logMarks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high)) + 1;
  const all: number[] = [];
  for (let power = first; power <= last; power++) {
    for (const factor of [1, 2, 5]) all.push(Number((factor * 10 ** power).toPrecision(3)));
  }
  const from = all.findLastIndex((mark) => mark <= low);
  const to = all.findIndex((mark) => mark >= high && mark > (all[from] as number));
  return all.slice(from, to + 1);
}

function isPowerOfTen(value: number): boolean {
  return Number.isInteger(Number(Math.log10(value).toFixed(9)));
}

function labelled(value: number): Tick {
  return { value, label: shortNumber(value) };
}

/** 0.05, 7, 250, 10k, 2M. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}
