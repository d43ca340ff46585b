import type { Figure, Target, Unit } from '../figure.js';

const suffixes: Readonly<Record<Unit, string>> = {
  x: 'x',
  share: '',
  ns: ' ns',
  us: ' us',
  ms: ' ms',
  B: ' B',
  KiB: ' KiB',
  count: '',
};

export function valueText(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return 'failed';
  return `${numberText(value, unit)}${suffixes[unit]}`;
}

function numberText(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const isRatio = unit === 'x' || unit === 'share';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  if (size >= 100 || Number.isInteger(value)) return String(isRatio ? Math.round(value) : round(value, 0));
  if (size >= 10) return String(round(value, 1));
  return isRatio ? value.toFixed(2) : String(round(value, 2));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export function targetText({ target, unit }: Pick<Figure, 'target' | 'unit'>): string {
  return target ? targetParts(target, unit).join(', ') : '';
}

function targetParts({ atMost, atLeast }: Target, unit: Unit): string[] {
  if (atMost !== undefined && atMost === atLeast) return [`= ${valueText(atMost, unit)}`];
  return [
    ...(atMost === undefined ? [] : [`<= ${valueText(atMost, unit)}`]),
    ...(atLeast === undefined ? [] : [`>= ${valueText(atLeast, unit)}`]),
  ];
}
