import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Express, NextFunction, Request, Response } from 'express';

type Failure = Error & { code?: string; status?: number; headers?: Record<string, string> };

/** The end of every application here: errors are answered and logged, it listens, and it ends with who started it. */
export async function serve(app: Express): Promise<void> {
  app.use((error: Failure, request: Request, response: Response, _next: NextFunction) => {
    const { code, status = 500, headers = {}, message } = error;
    console.error(`${request.method} ${request.path}: ${code ? `${code}: ` : ''}${message}`);
    response.status(status).set(headers).json({ error: message });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.once('disconnect', () => process.exit());
  process.send?.({ port: (server.address() as AddressInfo).port });
}

export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set.`);
  return value;
}
