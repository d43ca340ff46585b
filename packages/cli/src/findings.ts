import { EXIT } from './exit-codes.js';
import type { Style, Terminal } from './terminal.js';
import { printable } from './text.js';

export type Severity = 'critical' | 'warning' | 'info' | 'ok';

/** One thing that was looked at. */
export interface Finding {
  /** Fixed, for programs: `max-connections`. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly title: string;
  /** The figures it rests on, a line each. */
  readonly evidence: readonly string[];
  /** What to do about it; nothing where all is well. */
  readonly change?: string | undefined;
}

const ORDER: readonly Severity[] = ['critical', 'warning', 'info', 'ok'];
const STYLES: Readonly<Record<Severity, Style>> = {
  critical: ['bold', 'red'],
  warning: 'yellow',
  info: 'cyan',
  ok: 'green',
};

/** The worst first, else in the order in which they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

export function countSeverities(findings: readonly Finding[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { critical: 0, warning: 0, info: 0, ok: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

export function exitCodeOf(findings: readonly Finding[]): number {
  const { critical, warning } = countSeverities(findings);
  return critical + warning > 0 ? EXIT.findings : EXIT.ok;
}

/** Escapes what comes from elsewhere. Where all is well, the sentence is enough. */
export function printFindings(terminal: Terminal, findings: readonly Finding[]): void {
  const width = Math.max(...ORDER.map((severity) => severity.length));
  const indent = ' '.repeat(width + 2);
  for (const { severity, title, evidence, change, id } of bySeverity(findings)) {
    const mark = terminal.style(STYLES[severity], severity.padEnd(width));
    terminal.print(`${mark}  ${printable(title)} ${terminal.style('dim', `[${id}]`)}`);
    if (severity === 'ok') continue;
    for (const line of evidence) terminal.print(indent + terminal.style('dim', printable(line)));
    if (change) terminal.print(`${indent}→ ${printable(change)}`);
  }
}
