import type { IncomingMessage, ServerResponse } from 'node:http';

const EVENT_STREAM = 'text/event-stream';
/** In headers that are written already, which is how `writeHead(200, { … })` alone leaves them. */
const SENT_EVENT_STREAM = new RegExp(`^content-type:\\s*${EVENT_STREAM}`, 'im');

/** Whether the raw request shows that its response lasts for as long as the client likes. */
export function isLongLived(req: IncomingMessage, res: ServerResponse): boolean {
  return isUpgraded(req) || isEventStream(res);
}

/** Node says so of the requests that its server's 'upgrade' listeners get. */
function isUpgraded(req: IncomingMessage): boolean {
  return (req as { upgrade?: boolean | null }).upgrade === true;
}

function isEventStream(res: ServerResponse): boolean {
  const type = res.getHeader('content-type');
  if (type !== undefined) return startsAsEventStream(type);
  const { _header } = res as { _header?: unknown };
  return typeof _header === 'string' && SENT_EVENT_STREAM.test(_header);
}

/** Of a Content-Type. */
export function startsAsEventStream(type: unknown): boolean {
  return String(type).trimStart().toLowerCase().startsWith(EVENT_STREAM);
}
