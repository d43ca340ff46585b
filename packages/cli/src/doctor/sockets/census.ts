import type { SocketState } from './proc-net.js';
import { ownersOf, type Process } from './processes.js';
import { socketTables } from './tables.js';

/** The sockets of one process of this host to the server. */
export interface ProcessSockets {
  /** Undefined where the process can't be seen. */
  readonly process: Process | undefined;
  readonly uid: number;
  readonly established: number;
  /** The server has hung up, and the process has not closed its end. */
  readonly closeWait: number;
}

/** This host's end of a socket, by which the server's list knows it. */
export interface OwnEnd {
  readonly address: string;
  readonly process: Process;
}

/** All of this host's to the server, over TCP. */
export interface SocketCensus {
  readonly processes: readonly ProcessSockets[];
  /** Connections that were closed from this side within the last minute. */
  readonly timeWait: number;
  /** Of the processes that are known, by local port. */
  readonly ends: ReadonlyMap<number, readonly OwnEnd[]>;
}

export interface CensusOptions {
  /** The addresses of the server, in their canonical spelling. */
  readonly addresses: ReadonlySet<string>;
  readonly port: number;
  /** Not counted: this process itself. */
  readonly exceptPid: number;
  /** @default '/proc' */
  readonly proc?: string | undefined;
}

/** Rejects where there is no such directory: it is Linux's. */
export async function takeCensus({
  addresses,
  port,
  exceptPid,
  proc = '/proc',
}: CensusOptions): Promise<SocketCensus> {
  const sockets = (await socketTables(proc)).filter(
    ({ remotePort, remoteAddress }) => remotePort === port && addresses.has(remoteAddress),
  );
  const live = sockets.filter(({ state, inode }) => state !== 'TIME_WAIT' && inode !== '0');
  const owners = await ownersOf(new Set(live.map(({ inode }) => inode)), proc);
  const groups = new Map<string, Counted>();
  const ends = new Map<number, OwnEnd[]>();
  for (const socket of live) {
    const process = owners.get(socket.inode);
    if (process?.pid === exceptPid) continue;
    const key = process ? String(process.pid) : `uid ${socket.uid}`;
    const group = groups.get(key) ?? new Counted(process, socket.uid);
    groups.set(key, group);
    group.add(socket.state);
    if (process)
      ends.set(socket.localPort, [
        ...(ends.get(socket.localPort) ?? []),
        { address: socket.localAddress, process },
      ]);
  }
  return {
    processes: [...groups.values()].toSorted(
      (a, b) => b.closeWait - a.closeWait || b.established - a.established,
    ),
    timeWait: sockets.filter(({ state }) => state === 'TIME_WAIT').length,
    ends,
  };
}

class Counted implements ProcessSockets {
  established = 0;
  closeWait = 0;
  readonly process: Process | undefined;
  readonly uid: number;

  constructor(process: Process | undefined, uid: number) {
    this.process = process;
    this.uid = uid;
  }

  add(state: SocketState): void {
    if (state === 'ESTABLISHED') this.established += 1;
    if (state === 'CLOSE_WAIT') this.closeWait += 1;
  }
}
