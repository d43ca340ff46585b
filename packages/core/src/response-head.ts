import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Response = ServerResponse<IncomingMessage>;

/** Status and headers of a response, as they were at some time. */
export interface Head {
  readonly statusCode: number;
  readonly statusMessage: string | undefined;
  readonly headers: OutgoingHttpHeaders;
}

export function headOf(res: Response): Head {
  return {
    statusCode: res.statusCode,
    statusMessage: messageOf(res),
    headers: copyHeaders(res.getHeaders()),
  };
}

/** `appendHeader()` and its like push to lists of values. */
export function copyHeaders<H extends object>(headers: H): H {
  const copies = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? [...value] : value,
  ]);
  return Object.fromEntries(copies) as H;
}

/** HTTP/2 has none, and Node warns of those who ask. */
function messageOf(res: Response): string | undefined {
  return res.req.httpVersionMajor >= 2 ? undefined : res.statusMessage;
}

/** Makes the response's head that one again. */
export function putHead(res: Response, head: Head): void {
  res.statusCode = head.statusCode;
  if (messageOf(res) !== head.statusMessage) res.statusMessage = head.statusMessage as string;
  for (const name of res.getHeaderNames()) if (!Object.hasOwn(head.headers, name)) res.removeHeader(name);
  for (const [name, value] of Object.entries(copyHeaders(head.headers))) {
    if (value !== undefined && !isSame(res.getHeader(name), value)) res.setHeader(name, value);
  }
}

function isSame(now: OutgoingHttpHeader | undefined, then: OutgoingHttpHeader): boolean {
  if (!Array.isArray(now) || !Array.isArray(then)) return now === then;
  return now.length === then.length && now.every((value, at) => value === then[at]);
}
