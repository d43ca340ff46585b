import { createServer } from 'node:http';
import type { Express } from 'express';
import { listen, type RunningApp } from '../../contender.js';

export async function listening(
  app: Express,
  end: () => unknown,
  more: Partial<RunningApp> = {},
): Promise<RunningApp> {
  const server = createServer(app);
  // Else a client that pauses while others are measured is closed after 5 s.
  server.keepAliveTimeout = 72_000;
  return {
    port: await listen(server),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await end();
    },
    ...more,
  };
}
