import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@handback/contract/support/eventually.js';
import { Redis } from 'ioredis';

export interface RedisServer {
  url: string;
  stop(): Promise<void>;
}

export const NO_REDIS =
  'there is no Redis: name one in HANDBACK_REDIS_URL, or install redis-server, and it is started and stopped here';

const ATTEMPTS = 5;

/** The Redis of HANDBACK_REDIS_URL, else a server of our own, else none. A Redis that nobody named is left alone. */
export async function startRedis(): Promise<RedisServer | null> {
  const { HANDBACK_REDIS_URL: url, PATH = '' } = process.env;
  if (url) return { url, stop: async () => {} };
  const program = PATH.split(delimiter)
    .map((place) => join(place, 'redis-server'))
    .find(isExecutable);
  return program === undefined ? null : launch(program);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Somebody else may take the port before Redis does. */
async function launch(program: string): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const keeper = keep(program, port);
    const url = `redis://127.0.0.1:${port}`;
    try {
      await eventually(() => answers(keeper, url), 10_000);
      return { url, stop: () => stop(keeper) };
    } catch (error) {
      await stop(keeper);
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** In memory alone. */
function keep(program: string, port: number): ChildProcess {
  const keeper = fileURLToPath(new URL('./redis-keeper.js', import.meta.url));
  const settings = ['--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  const args = [program, '--bind', '127.0.0.1', '--port', String(port), ...settings];
  return spawn(process.execPath, [keeper, ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
}

async function answers(keeper: ChildProcess, url: string): Promise<void> {
  if (keeper.exitCode !== null) throw new Error(`redis-server ended with ${keeper.exitCode}`);
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

async function stop(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return;
  const exit = once(keeper, 'exit');
  keeper.stdin?.end();
  await exit;
}
