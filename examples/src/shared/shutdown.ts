import type { Server } from 'node:http';

export interface Running {
  server: Server;
  /** Stops accepting, waits until the last connection to the server is closed, then closes the pool. */
  close(): Promise<void>;
}

const SWEEP_MS = 100;

/**
 * Accepts nobody new, lets what is being answered finish, and after `graceMs` cuts off what has not. Nothing keeps the
 * process then: it ends by itself.
 */
export async function shutDown({ server, close }: Running, graceMs: number): Promise<void> {
  // Node keeps a connection on which one request follows the other; each is told that it was the last.
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
  // … and one that was answering when the server was closed, until its keep-alive timeout.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  // The handlers may go on, but nobody hears them: their transactions end or are rolled back within drainTimeoutMs.
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await close();
  } finally {
    clearInterval(sweep);
    clearTimeout(deadline);
  }
}

/** Resolves when the last connection to the server is closed. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
}
