import type { IncomingMessage } from 'node:http';

/** Anybody can send the header: what is no plain name is not passed on. */
const PLAIN = /^[\w.:+/=@-]{1,128}$/;

/** The id of a request: what a middleware has given it (`req.id`, as pino-http does), else its header `x-request-id`. */
export function requestIdOf(req: IncomingMessage): string | undefined {
  const { id } = req as { id?: unknown };
  if (typeof id === 'string' || typeof id === 'number') return String(id);
  const header = req.headers?.['x-request-id'];
  return typeof header === 'string' && PLAIN.test(header) ? header : undefined;
}
