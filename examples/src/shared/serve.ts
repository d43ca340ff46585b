import type { AddressInfo } from 'node:net';
import { announcement } from './announcement.js';
import { failWith } from './fail.js';
import { readDatabaseUrl, readPort } from './settings.js';
import { type Running, shutDown } from './shutdown.js';

const HOST = '127.0.0.1';
/** What is being answered may go on this long after the end was asked for; the slowest route takes five seconds. */
const GRACE_MS = 6_000;

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

/** Leaves nothing that would keep the process. */
async function end(running: Running | undefined): Promise<void> {
  if (!running) process.exit(0);
  if (process.connected) process.disconnect();
  await shutDown(running, GRACE_MS);
}
