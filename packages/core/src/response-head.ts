import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Response = ServerResponse<IncomingMessage>;

/** Status and headers of a response, as they were at some time. */
export interface Head {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
  readonly headers: OutgoingHttpHeaders;
}

export function headOf(res: Response): Head {
  return { statusCode: res.statusCode, statusMessage: messageOf(res), headers: { ...res.getHeaders() } };
}

/** HTTP/2 has none, and Node warns of those who ask. */
function messageOf(res: Response): string | undefined {
  return res.req.httpVersionMajor >= 2 ? undefined : res.statusMessage;
}

/** Makes the response's head that one again. */
export function putHead(res: Response, head: Head): void {
  res.statusCode = head.statusCode;
  if (messageOf(res) !== head.statusMessage) res.statusMessage = head.statusMessage as string;
  for (const name of res.getHeaderNames()) if (!(name in head.headers)) res.removeHeader(name);
  for (const [name, value] of Object.entries(head.headers)) {
    if (value !== undefined && res.getHeader(name) !== value) res.setHeader(name, value);
  }
}
