import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { systemClock } from '#core/clock.js';
import { HeldResponse } from '#core/held-response.js';

type Response = ServerResponse<IncomingMessage>;

/** A decision that is made when somebody asks for it, and known a moment later. */
class Decision {
  isDecided = false;
  asked: boolean | undefined;
  onFailed = () => {};
  readonly #error: Error | null;

  constructor(error: Error | null = null) {
    this.#error = error;
  }

  async decide(succeeded: boolean): Promise<void> {
    this.isDecided = true;
    this.asked = succeeded;
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#error || !succeeded) return;
    this.onFailed();
    throw this.#error;
  }
}

/** A number stands for so many letters: programs are printed when they fail. */
type Chunk = string | Buffer | number;

/** What a handler does with its response, one step after another. */
type Step =
  | { do: 'status'; status: number }
  | { do: 'setHeader'; name: string; value: string | string[] }
  | { do: 'writeHead'; status: number; headers: Record<string, string> | undefined }
  | { do: 'flushHeaders' }
  | { do: 'write'; chunk: Chunk; heard: boolean }
  | { do: 'turn' }
  | { do: 'end'; chunk: Chunk | undefined };

interface Seen {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: string;
  /** Callbacks of the handler that were called, in order. */
  heard: string[];
}

const bytesOf = (chunk: Chunk) => (typeof chunk === 'number' ? 'x'.repeat(chunk) : chunk);

async function perform(res: Response, steps: readonly Step[], heard: string[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const hear = () => heard.push(`${step.do} ${index}`);
    if (step.do === 'status') res.statusCode = step.status;
    else if (step.do === 'setHeader') res.setHeader(step.name, step.value);
    else if (step.do === 'writeHead') res.writeHead(step.status, step.headers);
    else if (step.do === 'flushHeaders') res.flushHeaders();
    else if (step.do === 'write') {
      if (step.heard) res.write(bytesOf(step.chunk), hear);
      else res.write(bytesOf(step.chunk));
    } else if (step.do === 'turn') await new Promise((resolve) => setImmediate(resolve));
    else if (step.chunk === undefined) res.end(hear);
    else res.end(bytesOf(step.chunk), hear);
  }
}

/** One server; what it does with the next request is set before. */
class Site {
  handler: (res: Response) => Promise<void> = async () => {};
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Site> {
    const server = createServer((_req, res) => {
      site.handler(res).catch((error) => res.destroy(error as Error));
    });
    const site = new Site(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return site;
  }

  get address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  /** @returns undefined if the answer was cut off */
  async visit(method: string, heard: string[] = []): Promise<Seen | undefined> {
    const { port } = this.address;
    const asked = request({ port, method, host: '127.0.0.1', agent: false }).end();
    const answer = await once(asked, 'response').then(
      ([message]) => message as IncomingMessage,
      () => undefined,
    );
    if (!answer) return undefined;
    let body = '';
    answer.setEncoding('latin1').on('data', (chunk) => {
      body += chunk;
    });
    const whole = await once(answer, 'end').then(
      () => true,
      () => false,
    );
    if (!whole) return undefined;
    const { date, ...headers } = answer.headers;
    return { status: answer.statusCode, headers, body, heard };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const chunk = fc.constantFrom<Chunk>(
  'a',
  'bc',
  '',
  'ü',
  Buffer.from('def'),
  Buffer.from([0xff, 0]),
  ...[1_000, 9_000, 16_384, 40_000],
);
const status = fc.constantFrom(200, 201, 204, 304, 303, 400, 500);
/** Before anything is sent. */
const preparation = fc.oneof(
  fc.record({ do: fc.constant('status' as const), status }),
  fc.record({
    do: fc.constant('setHeader' as const),
    name: fc.constantFrom('X-One', 'Set-Cookie', 'Content-Type'),
    value: fc.constantFrom<string | string[]>('a', 'text/plain', ['a=1', 'b=2']),
  }),
  fc.record({ do: fc.constant('turn' as const) }),
);
const head = fc.oneof(
  fc.record({
    do: fc.constant('writeHead' as const),
    status,
    headers: fc.constantFrom({ 'X-Two': '2' }, undefined),
  }),
  fc.record({ do: fc.constant('flushHeaders' as const) }),
);
const piece = fc.oneof(
  fc.record({ do: fc.constant('write' as const), chunk, heard: fc.boolean() }),
  fc.record({ do: fc.constant('turn' as const) }),
);
const end = fc.record({ do: fc.constant('end' as const), chunk: fc.option(chunk, { nil: undefined }) });
const program: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(preparation, { maxLength: 4 }),
    fc.array(head, { maxLength: 1 }),
    fc.array(piece, { maxLength: 5 }),
    end,
  )
  .map(([before, first, pieces, last]) => [...before, ...first, ...pieces, last]);

const seed = Number(process.env.HANDBACK_SEED ?? Date.now() % 1_000_000);

describe('an answer that is held back', () => {
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  /** What a client sees of `steps`, held or not. */
  async function seen(
    steps: readonly Step[],
    method: string,
    decision: Decision | null,
  ): Promise<Seen | undefined> {
    const heard: string[] = [];
    let ended = Promise.resolve<unknown>(undefined);
    site.handler = (res) => {
      ended = once(res, 'close');
      if (decision) {
        const held = new HeldResponse(res, decision, undefined, systemClock);
        decision.onFailed = () => held.restore();
      }
      return perform(res, steps, heard);
    };
    const answer = await site.visit(method, heard);
    await ended;
    return answer;
  }

  it(`is the answer that it would have been, whatever the handler does (seed ${seed})`, () =>
    fc.assert(
      fc.asyncProperty(program, fc.constantFrom('GET', 'HEAD'), async (steps, method) => {
        const decision = new Decision();
        const plain = await seen(steps, method, null);
        const held = await seen(steps, method, decision);
        // A head that was flushed may be all the client waits for: it leaves before the handler has ended.
        const leftEarly = !plain?.heard.some((each) => each.startsWith('end'));
        assert.deepEqual({ ...held, ...(leftEarly ? { heard: plain?.heard } : {}) }, plain);
        assert.equal(decision.asked, (plain?.status ?? 500) < 400);
      }),
      { numRuns: 300, seed },
    )).timeout(60_000);

  it(`is a plain 500 or cut off when COMMIT fails, never a part that looks whole (seed ${seed})`, () =>
    fc.assert(
      fc.asyncProperty(program, fc.constantFrom('GET', 'HEAD'), async (steps, method) => {
        const decision = new Decision(new Error('COMMIT failed'));
        const answer = await seen(steps, method, decision);
        if (!decision.asked) return assert.ok((answer?.status ?? 0) >= 400);
        if (answer === undefined) return;
        assert.equal(answer.status, 500);
        assert.equal(answer.body, method === 'HEAD' ? '' : 'Internal Server Error');
        assert.deepEqual(Object.keys(answer.headers).sort(), [
          'connection',
          'content-length',
          'content-type',
        ]);
      }),
      { numRuns: 300, seed },
    )).timeout(60_000);

  it('of 20 MB, piped, arrives whole, and is not gathered in memory', async () => {
    const block = 'x'.repeat(64 * 1024);
    let most = 0;
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(), undefined, systemClock);
      const blocks = async function* () {
        for (let n = 0; n < 320; n++) {
          most = Math.max(most, res.writableLength);
          yield block;
        }
      };
      await pipeline(Readable.from(blocks()), res);
    };
    const answer = await site.visit('GET');
    assert.equal(answer?.body.length, 320 * block.length);
    assert.ok(most < 40 * block.length, `${most} bytes were waiting`);
  });

  it('that is replaced by an error, once it is decided by others: the error with all of its headers', async () => {
    site.handler = async (res) => {
      const decision = new Decision();
      new HeldResponse(res, decision, undefined, systemClock);
      res.writeHead(200, { 'X-Answer': 'first' });
      res.end('fine');
      await decision.decide(false);
      res.writeHead(503, { 'Retry-After': '1' });
      res.write('not ');
      res.end('fine');
    };
    const answer = await site.visit('GET');
    assert.deepEqual([answer?.status, answer?.body], [503, 'not fine']);
    assert.deepEqual([answer?.headers['retry-after'], answer?.headers['x-answer']], ['1', undefined]);
  });

  it('with a Content-Length is not complete before COMMIT, though an empty piece comes last', async () => {
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(new Error('COMMIT failed')), undefined, systemClock);
      res.setHeader('Content-Length', 20_000);
      res.write('x'.repeat(20_000));
      res.write('');
      res.end();
    };
    assert.notEqual((await site.visit('GET'))?.body.length, 20_000);
  });

  it('of an event stream leaves event by event', async () => {
    let goOn = () => {};
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(), undefined, systemClock);
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.flushHeaders();
      res.write('data: 1\n\n');
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      res.end('data: 2\n\n');
    };
    const { port } = site.address;
    const asked = request({ port, host: '127.0.0.1', agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const [first] = await once(answer, 'data');
    assert.equal(String(first), 'data: 1\n\n');
    goOn();
    let rest = '';
    answer.on('data', (bytes) => {
      rest += bytes;
    });
    await once(answer, 'end');
    assert.equal(rest, 'data: 2\n\n');
  });

  it('piece by piece with pauses leaves but for the last piece', async () => {
    let goOn = () => {};
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(), undefined, systemClock);
      res.write('one ');
      res.write('two ');
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      res.end('three');
    };
    const { port } = site.address;
    const asked = request({ port, host: '127.0.0.1', agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const [first] = await once(answer, 'data');
    assert.equal(String(first), 'one ');
    goOn();
    let rest = '';
    answer.on('data', (bytes) => {
      rest += bytes;
    });
    await once(answer, 'end');
    assert.equal(rest, 'two three');
  });

  const begun: Record<string, (res: Response) => unknown> = {
    'a head': (res) => res.writeHead(200, { 'X-Answer': 'first' }),
    'a piece': (res) => res.write('first'),
    'a head and a piece': (res) => res.writeHead(200, { 'X-Answer': 'first' }).write('first'),
    'a flushed head': (res) => res.flushHeaders(),
  };
  const errors: Record<string, (res: Response) => unknown> = {
    'a framework': (res) => {
      res.statusCode = 500;
      res.setHeader('Content-Length', 5).end('error');
    },
    'a framework, with 200': (res) => res.setHeader('Content-Length', 5).end('error'),
    'the application': (res) => {
      res.statusCode = 500;
      res.end('error');
    },
    'the application, by writeHead': (res) => res.writeHead(500).end('error'),
  };
  for (const [first, begin] of Object.entries(begun)) {
    for (const [who, answer] of Object.entries(errors)) {
      it(`of which there is no more than ${first} makes room for the error of ${who}`, async () => {
        const decision = new Decision();
        site.handler = async (res) => {
          new HeldResponse(res, decision, undefined, systemClock);
          begin(res);
          await new Promise((resolve) => setImmediate(resolve));
          answer(res);
        };
        const status = who.endsWith('200') ? 200 : 500;
        const seen = await site.visit('GET');
        assert.deepEqual([seen?.status, seen?.body, decision.asked], [status, 'error', status === 200]);
        assert.equal(seen?.headers['x-answer'], undefined);
      });
    }
  }

  it('keeps what was written when middleware adds a cookie in the last moment', async () => {
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(), undefined, systemClock);
      res.write('first ');
      res.setHeader('Set-Cookie', 'session=1');
      res.end('last');
    };
    assert.equal((await site.visit('GET'))?.body, 'first last');
  });

  it('lets a handler go on that waits for each of its pieces, also where there is no body', async () => {
    for (const method of ['GET', 'HEAD']) {
      site.handler = async (res) => {
        new HeldResponse(res, new Decision(), undefined, systemClock);
        for (const piece of ['one ', 'two ']) await new Promise<unknown>((told) => res.write(piece, told));
        res.end('three');
      };
      const answer = await site.visit(method);
      assert.equal(answer?.body, method === 'GET' ? 'one two three' : '');
    }
  });

  it('refuses what Node refuses where it is given, so that it is not committed first', async () => {
    const wrong: Record<string, (res: Response) => unknown> = {
      ERR_INVALID_ARG_TYPE: (res) => res.end(5 as never),
      ERR_STREAM_NULL_VALUES: (res) => res.write(null),
      ERR_INVALID_CHAR: (res) => res.writeHead(302, { Location: '/\u65e5' }),
      ERR_INVALID_HTTP_TOKEN: (res) => res.writeHead(200, 'OK', { 'a b': 'c' }),
      ERR_HTTP_INVALID_STATUS_CODE: (res) => res.writeHead(42),
    };
    for (const [code, answer] of Object.entries(wrong)) {
      const decision = new Decision();
      site.handler = async (res) => {
        new HeldResponse(res, decision, undefined, systemClock);
        assert.throws(() => answer(res), { code });
        res.writeHead(500).end('told');
      };
      assert.equal((await site.visit('GET'))?.body, 'told', code);
      assert.equal(decision.asked, false, code);
    }
  });

  it('takes back what was added to a list of values when COMMIT fails, and tells who waits for the end', async () => {
    let told = false;
    site.handler = async (res) => {
      res.setHeader('Set-Cookie', ['before=1']);
      const decision = new Decision(new Error('COMMIT failed'));
      const held = new HeldResponse(res, decision, undefined, systemClock);
      decision.onFailed = () => held.restore();
      res.appendHeader('Set-Cookie', 'session=secret');
      await new Promise<void>((ended) => res.end('fine', ended));
      told = true;
    };
    const answer = await site.visit('GET');
    assert.equal(answer?.status, 500);
    assert.deepEqual(answer.headers['set-cookie'], ['before=1']);
    assert.ok(told);
  });

  it('refuses pieces behind its end as Node does', async () => {
    let code: string | undefined;
    site.handler = async (res) => {
      new HeldResponse(res, new Decision(), undefined, systemClock);
      res.write('x'.repeat(20_000));
      res.end('the end');
      const error = await new Promise<Error | null | undefined>((told) => res.write('more', told));
      code = (error as NodeJS.ErrnoException).code;
    };
    assert.equal((await site.visit('GET'))?.body.length, 20_007);
    assert.equal(code, 'ERR_STREAM_WRITE_AFTER_END');
  });
});
