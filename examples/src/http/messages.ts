import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../shared/problems.js';

const MAX_BYTES = 100_000;

export async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    // The rest is read too, and forgotten: a request that is given up half read can't be answered.
    if (length <= MAX_BYTES) chunks.push(chunk);
  }
  if (length > MAX_BYTES) throw new Problem(413, `Send at most ${MAX_BYTES} bytes.`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Problem(400, 'The body is not JSON.');
  }
}

export function sendJson(res: ServerResponse, body: unknown): void {
  res.setHeader('Content-Type', 'application/json; charset=utf-8').end(JSON.stringify(body));
}
