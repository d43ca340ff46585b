import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Fewer than a server's backlog has room for. */
const OPENED_AT_ONCE = 200;
const HEAD_END = Buffer.from('\r\n\r\n');

/** As an application answers it: all its answers to one path are as long as the first. */
interface Sample {
  bytes: number;
  body: string;
}

/**
 * Clients on keep-alive connections, each with one request under way. It costs as little as it can: answers are told
 * apart by their length, which is the same for all of them, and the first and last bytes of each are looked at.
 */
export class Load {
  readonly #clients: Client[];

  private constructor(clients: Client[]) {
    this.#clients = clients;
  }

  static async open(port: number, connections: number): Promise<Load> {
    const clients: Client[] = [];
    while (clients.length < connections) {
      const more = Math.min(OPENED_AT_ONCE, connections - clients.length);
      clients.push(...(await Promise.all(Array.from({ length: more }, () => Client.open(port)))));
    }
    return new Load(clients);
  }

  /** The body that a path is answered with. */
  async bodyOf(path: string): Promise<string> {
    return (await this.#first().sample(path)).body;
  }

  /**
   * Sends `requests` requests, spread over the connections as they become free.
   *
   * @throws {Error} when one of them is not answered like the first
   */
  async run(path: string, requests: number): Promise<void> {
    const sample = await this.#first().sample(path);
    let left = requests;
    const next = () => left-- > 0;
    await Promise.all(this.#clients.map((client) => client.repeat(path, sample, next)));
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #first(): Client {
    const [client] = this.#clients;
    if (!client) throw new Error('a load without connections');
    return client;
  }
}

class Client {
  readonly #socket: Socket;
  readonly #samples = new Map<string, Sample>();
  #onData: (chunk: Buffer) => void = () => {};
  #onEnd: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#onEnd(error));
    socket.on('close', () => this.#onEnd(new Error('the application closed a connection')));
  }

  static async open(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Client(socket);
  }

  async sample(path: string): Promise<Sample> {
    const known = this.#samples.get(path);
    if (known) return known;
    const sample = await this.#readOne(path);
    this.#samples.set(path, sample);
    return sample;
  }

  repeat(path: string, { bytes, body }: Sample, next: () => boolean): Promise<void> {
    const text = requestText(path);
    const tail = Buffer.from(body.slice(-8));
    let got = 0;
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the application has closed a connection'));
      const send = () => {
        got = 0;
        if (next()) this.#socket.write(text);
        else resolve();
      };
      this.#onEnd = reject;
      this.#onData = (chunk) => {
        if (got === 0 && !isLikeFirst(chunk, bytes)) reject(unexpected(path, chunk));
        got += chunk.length;
        if (got < bytes) return;
        const isLike = got === bytes && chunk.subarray(-tail.length).equals(tail);
        if (isLike || chunk.length < tail.length) send();
        else reject(unexpected(path, chunk));
      };
      send();
    });
  }

  close(): void {
    this.#onEnd = () => {};
    this.#socket.destroy();
  }

  #readOne(path: string): Promise<Sample> {
    let all: Buffer = Buffer.alloc(0);
    return new Promise((resolve, reject) => {
      this.#onEnd = reject;
      this.#onData = (chunk) => {
        all = Buffer.concat([all, chunk]);
        const bytes = lengthOf(all);
        if (bytes === undefined) return;
        if (!isOk(all) || Number.isNaN(bytes) || all.length > bytes) reject(unexpected(path, all));
        else if (all.length === bytes)
          resolve({ bytes, body: all.toString('utf8', all.indexOf(HEAD_END) + HEAD_END.length) });
      };
      this.#socket.write(requestText(path));
    });
  }
}

function requestText(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`;
}

/** Of a whole answer, by its head; undefined while that is not whole. */
function lengthOf(answer: Buffer): number | undefined {
  const headEnd = answer.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const contentLength = /^content-length: *(\d+)/im.exec(answer.toString('latin1', 0, headEnd))?.[1];
  return headEnd + HEAD_END.length + Number(contentLength ?? Number.NaN);
}

/** Judges the beginning of an answer. One that is shorter than the first would be awaited for ever. */
function isLikeFirst(chunk: Buffer, bytes: number): boolean {
  return isOk(chunk) && (chunk.length >= bytes || (lengthOf(chunk) ?? bytes) === bytes);
}

function isOk(chunk: Buffer): boolean {
  return chunk.toString('latin1', 9, 12) === '200';
}

function unexpected(path: string, chunk: Buffer): Error {
  return new Error(`${path} was answered with ${JSON.stringify(chunk.toString('utf8', 0, 400))}`);
}
