import type { Contender, Framework } from './types.js';

export interface Progress {
  elapsedMs: number;
  framework: Framework;
  contender: Contender;
  /** Such as "baseline", or the faults at work. */
  step: string;
  okPerSecond: number;
  failedPerSecond: number;
  violations: number;
}

export function progressLine(progress: Progress): string {
  const { framework, contender, step, okPerSecond, failedPerSecond, violations } = progress;
  return [
    clock(progress.elapsedMs),
    framework.padEnd(7),
    contender.padEnd(8),
    step.padEnd(32),
    `${okPerSecond.toFixed(0).padStart(5)} ok/s`,
    `${failedPerSecond.toFixed(0).padStart(4)} errors/s`,
    `${violations} violations`,
  ].join('  ');
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
