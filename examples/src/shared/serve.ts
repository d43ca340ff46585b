import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announcement } from './announcement.js';
import { failWith } from './fail.js';
import { readDatabaseUrl, readPort } from './settings.js';

const HOST = '127.0.0.1';
/** What is being answered may go on this long after the end was asked for; the slowest route takes five seconds. */
const GRACE_MS = 6_000;
const SWEEP_MS = 100;

export interface Running {
  server: Server;
  /** Stops accepting, waits for the answers under way, closes the pool. */
  close(): Promise<void>;
}

export type Start = (settings: { uri: string; host: string; port: number }) => Promise<Running>;

/** Runs the demo until it is told to stop: by a signal, or because the process that started it is gone. */
export async function serve(framework: string, start: Start): Promise<void> {
  let running: Running | undefined;
  let stopping = false;
  const stop = () => {
    if (!stopping) end(running).catch(failWith);
    stopping = true;
  };
  for (const reason of ['SIGINT', 'SIGTERM', 'disconnect']) process.on(reason, stop);
  try {
    running = await start({ uri: readDatabaseUrl(process.env), host: HOST, port: readPort(process.env) });
  } catch (error) {
    failWith(error);
  }
  const { port } = running.server.address() as AddressInfo;
  console.log(announcement(framework, `http://${HOST}:${port}`));
}

async function end(running: Running | undefined): Promise<never> {
  if (running) {
    // A browser that polls would keep its connection, and so the server, alive.
    setInterval(() => running.server.closeIdleConnections(), SWEEP_MS);
    setTimeout(() => running.server.closeAllConnections(), GRACE_MS);
    await running.close();
  }
  process.exit(0);
}

/** Resolves when the last connection to the server is closed. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
}
