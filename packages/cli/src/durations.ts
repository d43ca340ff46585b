const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** For people: the two largest units, `3 d 4 h`, `90 ms`. */
export function duration(ms: number): string {
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first] ?? [];
  if (unit === undefined || size === undefined) return `${Math.max(0, Math.round(ms))} ms`;
  const [nextUnit, nextSize] = UNITS[first + 1] ?? [];
  const rest = nextSize === undefined ? 0 : Math.floor((ms % size) / nextSize);
  return `${Math.floor(ms / size)} ${unit}${rest > 0 ? ` ${rest} ${nextUnit}` : ''}`;
}

/** With thousands apart: `128,640`. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `1 connection`, `2 connections`. */
export function plural(number: number, noun: string, several = `${noun}s`): string {
  return `${count(number)} ${number === 1 ? noun : several}`;
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${Math.round((100 * part) / whole)} %`;
}
