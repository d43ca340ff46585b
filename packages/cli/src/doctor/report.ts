import { duration, plural } from '../durations.js';
import { countSeverities, type Finding, printFindings } from '../findings.js';
import { printTable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { printable } from '../text.js';
import { type Group, groupsOf } from './groups.js';
import { numberOf, type Picture, type Unseen } from './picture.js';

/** The document that `--json` prints. Its names stay. */
export interface Report {
  readonly server: {
    readonly url: string;
    readonly version?: string;
    readonly account?: string;
    readonly uptimeSeconds?: number;
  };
  readonly connections: readonly Group[];
  readonly findings: readonly Finding[];
  /** What could not be looked at. */
  readonly unseen: readonly Unseen[];
}

export function reportOf(picture: Picture, findings: readonly Finding[], unseen: readonly Unseen[]): Report {
  const { target, server, status } = picture;
  const uptime = numberOf(status, 'uptime');
  return {
    server: {
      url: target.label,
      version: server.version,
      account: server.account,
      ...(uptime !== undefined && { uptimeSeconds: uptime }),
    },
    connections: groupsOf(picture),
    findings,
    unseen: [...picture.unseen, ...unseen],
  };
}

const SHOWN_GROUPS = 20;

export function printReport(terminal: Terminal, report: Report): void {
  const { server, connections, findings, unseen } = report;
  terminal.print(terminal.style('bold', printable(headOf(server))));
  terminal.print();
  printGroups(terminal, connections);
  printFindings(terminal, findings);
  printUnseen(terminal, unseen);
  const { critical, warning } = countSeverities(findings);
  terminal.print();
  terminal.print(`${critical} critical, ${plural(warning, 'warning')}`);
}

function headOf({ url, version, account, uptimeSeconds }: Report['server']): string {
  if (version === undefined) return url;
  const up = uptimeSeconds === undefined ? '' : `, up for ${duration(uptimeSeconds * 1_000)}`;
  return `${url}: ${version}${up}; asked as ${account}`;
}

function printGroups(terminal: Terminal, groups: readonly Group[]): void {
  if (groups.length === 0) return;
  const known = groups.some(({ program }) => program !== undefined);
  const columns = [
    { title: 'connections', align: 'right' as const },
    { title: 'user' },
    { title: 'host' },
    ...(known ? [{ title: 'program' }] : []),
    { title: 'state' },
    { title: 'oldest', align: 'right' as const },
  ];
  const rows = groups
    .slice(0, SHOWN_GROUPS)
    .map(({ count, user, host, program, command, oldestMs }) => [
      count,
      user,
      host,
      ...(known ? [program ?? ''] : []),
      command,
      duration(oldestMs),
    ]);
  printTable(terminal, columns, rows);
  if (groups.length > SHOWN_GROUPS)
    terminal.print(`… and ${groups.length - SHOWN_GROUPS} more such groups (--json has them)`);
  terminal.print();
}

function printUnseen(terminal: Terminal, unseen: readonly Unseen[]): void {
  if (unseen.length === 0) return;
  terminal.print();
  terminal.print('Not seen:');
  for (const { what, why, remedy } of unseen) {
    terminal.print(`  ${printable(what)}`);
    terminal.print(terminal.style('dim', `    ${printable(why)}`));
    if (remedy) terminal.print(`    → ${printable(remedy)}`);
  }
}
