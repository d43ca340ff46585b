export interface ServerOptions {
  /** Further arguments of the server program, such as `--max-connections=20`. They win over our own. */
  args?: string[];
  /** Without it, any free port. */
  port?: number;
}

/** A private server with an empty database. It is gone, with its files, when this process is, however that ends. */
export interface ThrowawayServer {
  /** mysql://handback:password@127.0.0.1:port/ with all privileges, the right to grant included. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  readonly user: string;
  readonly password: string;
  /** Of the server process that was started last. */
  readonly pid: number;
  readonly dataDir: string;
  readonly version: string;
  /** SIGKILL (the default) resolves when the process is gone, SIGSTOP when it stands still, any other signal as soon as it is sent. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the server again with the same data on the same port; ends it first if it still runs. */
  restart(): Promise<void>;
  /** Ends the server and removes its files. May be called more than once. */
  stop(): Promise<void>;
}

export function startServer(options?: ServerOptions): Promise<ThrowawayServer>;

/** The server program that `startServer` starts; undefined if there is none on this machine. */
export function findServer(): Promise<
  { path: string; product: 'MariaDB' | 'MySQL'; version: string } | undefined
>;

export interface DatabaseOptions {
  /** Part of the schema's name: handback_demo_… or handback_test_… */
  purpose: 'demo' | 'test';
  log?: (line: string) => void;
  /** Where HANDBACK_DATABASE_URL is read from; process.env if not given. */
  env?: Record<string, string | undefined>;
  signal?: AbortSignal | undefined;
}

export interface Database {
  /** mysql://user:password@host:port/handback_test_… */
  readonly url: string;
  /** Not there when the server is somebody's own, or runs in a container. */
  readonly server?: ThrowawayServer;
  /** Drops the schema or removes the server. */
  close(): Promise<void>;
}

export function getDatabase(options: DatabaseOptions): Promise<Database>;

/** Throws unless the name is one of those we create and drop. */
export function assertOurSchema(name: string): void;
