import type { AddressInfo, Server } from 'node:net';

export const frameworks = ['fastify', 'express', 'koa'] as const;
export type Framework = (typeof frameworks)[number];

/** One application that listens, in a process of its own. */
export interface RunningApp {
  readonly port: number;
  /** Connections taken so far, where the contender counts them. */
  acquired?(): number;
  close(): Promise<void>;
}

/** What each file of `apps/<framework>/` exports. */
export interface ContenderModule {
  /** `options`: of its pool, in its own words; its defaults without them. */
  start(uri: string, options?: object): Promise<RunningApp>;
}

export async function listen(server: Server): Promise<number> {
  if (!server.listening) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
  }
  return (server.address() as AddressInfo).port;
}
