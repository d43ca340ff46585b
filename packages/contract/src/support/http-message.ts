export interface Message {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface RequestOptions {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
}

export function requestText(
  path: string,
  { method = 'GET', body, headers = {} }: RequestOptions = {},
): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: test'];
  if (body !== undefined)
    lines.push(`Content-Length: ${Buffer.byteLength(body)}`, 'Content-Type: application/json');
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** The bytes of a connection as they come in, and the responses in them. A byte is looked at once, however many come. */
export class Inbox {
  #rest: Buffer = Buffer.alloc(0);
  #open: Message | undefined;
  #parts: Buffer[] = [];
  /** The methods of the requests whose responses are to come. */
  readonly #methods: string[] = [];
  /** Bytes that came, of this response and those before. */
  received = 0;

  /** A request has been sent. */
  expect({ method = 'GET' }: RequestOptions = {}): void {
    this.#methods.push(method);
  }

  add(chunk: Buffer): void {
    this.received += chunk.length;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** What is there of a response that is not whole yet: its body so far. */
  get begun(): string {
    return Buffer.concat([...this.#parts, this.#rest]).toString('latin1');
  }

  /** The first whole response, taken out; undefined while a part of it is missing. */
  take(): Message | undefined {
    this.#open ??= this.#takeHead();
    const message = this.#open;
    if (!message) return undefined;
    if (!this.#takeBody(message)) return undefined;
    this.#methods.shift();
    message.body = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#open = undefined;
    return message;
  }

  #takeBody(message: Message): boolean {
    if (this.#methods[0] === 'HEAD' || message.status === 204 || message.status === 304) return true;
    if (message.headers['transfer-encoding'] === 'chunked') return this.#takeChunks();
    return this.#takeLength(message);
  }

  #takeHead(): Message | undefined {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [statusLine = '', ...lines] = this.#cut(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    return { status: Number(statusLine.split(' ')[1]), headers, body: Buffer.alloc(0) };
  }

  #takeLength({ headers }: Message): boolean {
    const length = Number(headers['content-length'] ?? 0);
    const missing = length - this.#parts.reduce((sum, part) => sum + part.length, 0);
    this.#parts.push(this.#cut(Math.min(missing, this.#rest.length)));
    return this.#parts.reduce((sum, part) => sum + part.length, 0) === length;
  }

  #takeChunks(): boolean {
    for (;;) {
      const lineEnd = this.#rest.indexOf('\r\n');
      if (lineEnd < 0) return false;
      const size = Number.parseInt(this.#rest.toString('latin1', 0, lineEnd), 16);
      const whole = lineEnd + 2 + size + 2;
      if (this.#rest.length < whole) return false;
      this.#parts.push(this.#cut(whole).subarray(lineEnd + 2, whole - 2));
      if (size === 0) return true;
    }
  }

  #cut(length: number): Buffer {
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }
}
