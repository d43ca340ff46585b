import { UsageError } from '../exit-codes.js';

/** What somebody wrote, and what it comes to. */
export interface Quantity {
  /** As it is shown: `20 x 32`. */
  readonly text: string;
  readonly value: number;
}

const NUMBER = '(?:\\d{1,3}(?:,\\d{3})+|\\d+)';
const WHOLE = new RegExp(`^${NUMBER}$`);
const PRODUCT = new RegExp(`^${NUMBER}(?:\\s*[x×*]\\s*${NUMBER})*$`, 'i');
const DECIMAL = new RegExp(`^${NUMBER}(?:\\.\\d+)?$`);
const PERCENT = /^(\d+(?:\.\d+)?)\s*%$/;
/** Of numbers without a limit of their own. */
const LARGEST = 1_000_000_000;

const inFull = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });

/** With separators: 128,640. */
export function grouped(value: number): string {
  return inFull.format(value);
}

/** `640`, `20x32`, `20 x 32`, `1,600`. */
export function product(name: string, given: string): Quantity {
  const text = given.trim();
  if (!PRODUCT.test(text)) {
    throw new UsageError(`--${name} is a whole number or a product of whole numbers: 640, 20x32`);
  }
  const factors = text.split(/[x×*]/i).map((factor) => plain(factor));
  const value = factors.reduce((all, factor) => all * factor, 1);
  return { text: factors.map(grouped).join(' x '), value: within(name, value) };
}

export function whole(name: string, given: string, most = LARGEST): number {
  if (!WHOLE.test(given.trim())) throw new UsageError(`--${name} is a whole number: 200`);
  return within(name, plain(given), most);
}

/** `8`, `0.5`, `1,200`; above 0. */
export function positive(name: string, given: string, unit: string): number {
  const value = DECIMAL.test(given.trim()) ? plain(given) : 0;
  if (value <= 0 || value > LARGEST) {
    throw new UsageError(`--${name} is a number above 0, ${unit}: 0.5, 40, 1200`);
  }
  return value;
}

/** `0`, `0.5`, `2`. */
export function decimal(name: string, given: string, rule: string): number {
  const value = DECIMAL.test(given.trim()) ? plain(given) : Number.NaN;
  if (value <= LARGEST) return value;
  throw new UsageError(`--${name} is ${rule}`);
}

/** `10%` of something, rounded up, or a whole number of its own. */
export function shareOrWhole(name: string, given: string, of: number): Quantity {
  const text = given.trim();
  const percent = PERCENT.exec(text)?.[1];
  if (percent !== undefined) return { text: `${percent}%`, value: partOf(of, percentage(name, percent)) };
  if (WHOLE.test(text)) return { text: grouped(plain(text)), value: plain(text) };
  throw new UsageError(`--${name} is a share or a whole number of connections: 10%, 160`);
}

/** `25%`, as 0.25. */
export function share(name: string, given: string): number {
  const percent = PERCENT.exec(given.trim())?.[1];
  if (percent === undefined) throw new UsageError(`--${name} is a share in percent: 25%`);
  return percentage(name, percent);
}

/** Rounded up, and not because of the last bit of a float. */
export function partOf(whole: number, part: number): number {
  return Math.ceil(Number((whole * part).toPrecision(12)));
}

function percentage(name: string, percent: string): number {
  const value = Number(percent);
  if (value > 100) throw new UsageError(`--${name} is at most 100%`);
  return value / 100;
}

function plain(text: string): number {
  return Number(text.replaceAll(',', ''));
}

function within(name: string, value: number, most = LARGEST): number {
  if (value < 1) throw new UsageError(`--${name} is at least 1`);
  if (value > most) throw new UsageError(`--${name} is at most ${grouped(most)}`);
  return value;
}
