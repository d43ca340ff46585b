import { plural } from '../../durations.js';
import type { Finding } from '../../findings.js';
import { firstOf, nameOfProcess } from '../names.js';
import type { Picture, Unseen } from '../picture.js';
import type { ProcessSockets, SocketCensus } from '../sockets/census.js';

/** What this host has open to the server; CLOSE_WAIT = the server has hung up, and the program does not notice. */
export function clientSockets({ sockets }: Pick<Picture, 'sockets'>): Finding[] {
  if (sockets === null) return [];
  const { processes } = sockets;
  const closeWait = sum(processes, 'closeWait');
  const established = sum(processes, 'established');
  const left = closeWait > 0;
  return [
    {
      id: 'client-sockets',
      severity: left ? 'warning' : 'ok',
      title: left
        ? `${plural(closeWait, 'socket')} of this host in CLOSE_WAIT: the server has hung up, and the program has not`
        : `${plural(established, 'connection')} of this host to the server`,
      evidence: firstOf(processes, describe),
      change: left
        ? 'the program lost these connections without closing them: end or restart it, and use a pool that closes what the server has closed'
        : undefined,
    },
  ];
}

/** Sockets whose process this account may not look into. */
export function hiddenIn({ processes }: SocketCensus): Unseen[] {
  if (processes.every(({ process }) => process !== undefined)) return [];
  return [
    {
      what: 'which processes of this host some sockets are of',
      why: 'this account may not look into the processes of others',
      remedy: 'run it as root, or as the account that the processes run as',
    },
  ];
}

function sum(processes: SocketCensus['processes'], what: 'closeWait' | 'established'): number {
  return processes.reduce((total, process) => total + process[what], 0);
}

function describe({ process, uid, established, closeWait }: ProcessSockets): string {
  const who = process
    ? nameOfProcess(process)
    : `a process of uid ${uid} that this account may not look into`;
  return `${who}: ${established} ESTABLISHED, ${closeWait} CLOSE_WAIT`;
}
