import type { ApplicationPool } from './application.js';
import type { Expectation } from './expectation.js';
import type { SocketCensus } from './sockets/census.js';

/** One session on the server. */
export interface Thread {
  readonly id: number;
  readonly user: string;
  /** Name or address, without the port. */
  readonly host: string;
  /** The client's; undefined over a socket file, and where the server does not say it. */
  readonly port: number | undefined;
  readonly database: string | undefined;
  /** `Sleep`, `Query`, … */
  readonly command: string;
  readonly state: string;
  /** How long it has been in this command. */
  readonly ageMs: number;
  /** What it runs, without values. */
  readonly statement: string | undefined;
  /** From its connection attributes. */
  readonly program: string | undefined;
  readonly pid: number | undefined;
  /** The name of a pool of Handback. */
  readonly pool: string | undefined;
}

export interface Transaction {
  readonly threadId: number;
  readonly ageMs: number;
  readonly rowsModified: number;
  readonly rowsLocked: number;
  readonly readOnly: boolean;
}

export interface RowLockWait {
  readonly waiter: number;
  readonly holder: number;
  readonly waitedMs: number;
}

export interface MetadataWait {
  readonly waiter: number;
  readonly waitedMs: number;
  /** `schema.table`, where it is known. */
  readonly object: string | undefined;
  readonly holders: readonly number[];
  /** The holders are known, and not those who may hold it. */
  readonly certain: boolean;
}

/** What could not be looked at, and what would show it. */
export interface Unseen {
  readonly what: string;
  readonly why: string;
  readonly remedy?: string | undefined;
}

export interface ServerFacts {
  readonly version: string;
  readonly isMariaDb: boolean;
  /** `CURRENT_USER()`: the account that the server found for us. */
  readonly account: string;
  /** Lower case names. */
  readonly variables: ReadonlyMap<string, string>;
  /** The most that this account may have; 0 = no limit but the server's. */
  readonly maxUserConnections: number;
}

/** Lower case names; a name that the server does not know is absent. */
export type Status = ReadonlyMap<string, string>;

export interface Sample {
  readonly seconds: number;
  readonly before: Status;
}

/** What stands between this process and the server. */
export interface Between {
  /** It shares the server's sessions among its clients: what the server says is about the proxy's. In words; null = none was found. */
  readonly pooling: string | null;
  /** It passes bytes on (a container's port, NAT, a balancer). In words; null = none was found. */
  readonly forwarding: string | null;
}

/** All that was looked at, before any judgement. */
export interface Picture {
  readonly target: { readonly label: string; readonly port: number };
  readonly server: ServerFacts;
  readonly status: Status;
  readonly sample: Sample | undefined;
  readonly ownId: number;
  readonly threads: readonly Thread[];
  /** False: only threads of our own account. */
  readonly seesAllThreads: boolean;
  /** null = could not be seen. */
  readonly transactions: readonly Transaction[] | null;
  readonly rowLockWaits: readonly RowLockWait[] | null;
  readonly metadataWaits: readonly MetadataWait[];
  readonly sockets: SocketCensus | null;
  readonly pools: readonly ApplicationPool[];
  /** One for each of the pools, in their order; one that is assumed where there are none. */
  readonly expectations: readonly [Expectation, ...Expectation[]];
  readonly between: Between;
  readonly unseen: readonly Unseen[];
}

export function numberOf(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = values.get(name);
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
