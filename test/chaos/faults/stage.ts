import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { startServer, type ThrowawayServer } from '#scripts/database/index.mjs';
import { FaultProxy } from '../proxy/fault-proxy.js';
import type { Random } from '../random.js';
import { Admin } from './admin.js';
import { AppAccount } from './app-account.js';
import { createSchemas, schemas } from './schema.js';

export type Misbehaviour = 'client-aborts' | 'pipelines' | 'half-closes' | 'slow-readers';

/** The clients of the load: they can be made to behave badly, and well again. */
export interface Clients {
  misbehave(kind: Misbehaviour): void | Promise<void>;
  behave(): void | Promise<void>;
}

/** What faults are injected into. */
export interface Stage {
  readonly server: ThrowawayServer;
  readonly proxy: FaultProxy;
  readonly admin: Admin;
  readonly account: AppAccount;
  /** The schema as the process under test is to reach it: by way of the proxy. Its password is in `account.passwordFile`. */
  readonly databaseUrl: string;
  /** Straight to the server, with an account that sees all sessions, may lock tables, and changes nothing. */
  readonly watcherUrl: string;
  /** Whose behaviour the client faults change. */
  clients: Clients;
  /** A failure behind the scenes, which nobody waits for. */
  onError: (error: unknown) => void;
  close(): Promise<void>;
}

export interface StageOptions {
  random: Random;
  clients?: Clients;
  onError?: (error: unknown) => void;
  /** Further arguments of the server program. */
  args?: string[];
}

const serverArguments = ['--max-connections=200', '--innodb-lock-wait-timeout=5'];

/** As long as no load is connected. */
export const noClients: Clients = {
  misbehave: (kind) => {
    throw new Error(`no clients are connected to the stage, so none can do ${kind}`);
  },
  behave: () => {},
};

const rethrow = (error: unknown): never => {
  throw error;
};

/** A server of its own, its schemas and accounts, and the proxy in front of it. */
export async function openStage({
  random,
  clients = noClients,
  onError = rethrow,
  args = [],
}: StageOptions): Promise<Stage> {
  const closers: Array<() => Promise<void>> = [];
  const close = () => closeAll(closers);
  try {
    const server = await startServer({ args: [...serverArguments, ...args] });
    closers.push(() => server.stop());
    const admin = new Admin(server.url);
    closers.push(() => admin.close());
    await createSchemas(admin);
    const account = await createAccount(admin, server);
    const watcherUrl = await createWatcher(admin, server);
    const proxy = await FaultProxy.open({ targetPort: server.port, random: random.fork() });
    closers.push(() => proxy.close());
    const { user, password } = account;
    const databaseUrl = proxy.url(urlFor(server, { user, password, schema: schemas.main }));
    return { server, proxy, admin, account, databaseUrl, watcherUrl, clients, onError, close };
  } catch (error) {
    await close().catch(onError); // the first error is the one to show
    throw error;
  }
}

async function createAccount(admin: Admin, server: ThrowawayServer): Promise<AppAccount> {
  // Beside the data, it is gone when the server is, however this process ends.
  const passwordFile = join(dirname(server.dataDir), 'app-password');
  const account = new AppAccount({ admin, schemas, passwordFile, password: newPassword() });
  await account.restore();
  return account;
}

async function createWatcher(admin: Admin, server: ThrowawayServer): Promise<string> {
  const user = 'chaos_watcher';
  const password = newPassword();
  await admin.query(`CREATE USER '${user}'@'%' IDENTIFIED BY ?`, [password]);
  await admin.query(`GRANT PROCESS ON *.* TO '${user}'@'%'`);
  await admin.query(`GRANT SELECT, LOCK TABLES ON \`${schemas.main}\`.* TO '${user}'@'%'`);
  return urlFor(server, { user, password, schema: schemas.main });
}

export const newPassword = (): string => randomBytes(12).toString('hex');

function urlFor(
  { host, port }: ThrowawayServer,
  { user, password, schema }: { user: string; password: string; schema: string },
): string {
  return `mysql://${user}:${password}@${host}:${port}/${schema}`;
}

/** The last opened first; what fails does not keep the others open. */
async function closeAll(closers: Array<() => Promise<void>>): Promise<void> {
  const errors: unknown[] = [];
  for (let closer = closers.pop(); closer; closer = closers.pop()) {
    await closer().catch((error) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the stage did not close cleanly');
}
